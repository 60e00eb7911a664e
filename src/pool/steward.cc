#include "pool/steward.h"

#include <signal.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "os/events.h"
#include "os/local_socket.h"
#include "os/process.h"
#include "os/watch.h"
#include "pool/freshness.h"
#include "pool/message.h"
#include "pool/peer.h"
#include "sandbox/command.h"

namespace bailey::pool {
namespace {

// A caller that has connected and asks for nothing must not keep a sandbox from others.
constexpr std::chrono::seconds kPatience{5};

// A tree that changes is looked at again when it has come to rest, or a caller has come.
constexpr std::chrono::milliseconds kRest{50};

enum Event : std::uint64_t { kSandbox, kOwner, kCaller, kTree };

// The one caller that this steward serves.
class Caller : public sandbox::Customer {
 public:
  Caller(const Recipe& recipe, base::UniqueFd listener, base::UniqueFd owner)
      : recipe_(recipe),
        listener_(std::move(listener)),
        owner_(std::move(owner)),
        tree_([this] { return recipe_.is_plan_current(*batch_); }) {}

  base::Result<sandbox::Command> Wait(int sandbox) override {
    if (!HasCome()) {
      if (const auto come = WaitForCaller(sandbox); !come) return come.error();
      if (!IsCurrent()) {
        is_stale_ = true;
        Tell(Word::kStale);
        return base::Unsupported("use a prepared sandbox: what it was made of has changed");
      }
    }
    return MakeCommand();
  }

  base::Status Start() override { return Say(Taken{}); }

  void Started() override {
    if (!is_stale_) Tell(Word::kTaken);
  }

  void End(const sandbox::Outcome& outcome) override {
    Ended ended;
    ended.exit_status = sandbox::ExitStatus(outcome);
    if (outcome.kind == sandbox::Outcome::Kind::kSignalled) ended.signal = outcome.status;
    ended.wall = outcome.wall;
    ended.start_up = outcome.start_up;
    ended.peak_memory_kib = outcome.peak_memory_kib;
    Account::Told told = account_->End(outcome, request_.report);
    ended.said = std::move(told.said);
    ended.report = std::move(told.report);
    Answer(ended);
  }

  void Decided(const network::Decision& decision) override { account_->Decided(decision); }

  int Line() const override { return connection_.Get(); }

  std::optional<int> NextSignal() override {
    std::array<char, 64> bytes;
    const auto received = os::ReceiveDescriptors(connection_.Get(), bytes, {});
    if (!received || received->size == 0) return SIGKILL;
    const auto message = Decode({bytes.data(), received->size});
    const auto* const signal = message ? std::get_if<Signal>(&*message) : nullptr;
    // Only who waits for the program may talk to it, and says nothing else.
    return signal ? signal->number : SIGKILL;
  }

  base::Result<sandbox::CallObserver*> Use(Batch& batch) {
    batch_ = &batch;
    auto account = recipe_.account(batch);
    if (!account) return account.error();
    account_ = *std::move(account);
    return account_->Observer();
  }
  bool HasCome() const { return connection_.IsOpen(); }
  bool IsStale() const { return is_stale_; }

  void Tell(Word word, const std::string& text = {}) const {
    // The pool's process is gone, or this one has been told to go: then nobody listens.
    (void)os::SendDescriptors(owner_.Get(), static_cast<char>(word) + text, {});
  }

  // The last word; whoever is gone does not hear it.
  void Answer(const Message& message) {
    if (!is_answered_) (void)Say(message);
    is_answered_ = true;
  }

  base::Status Say(const Message& message) const {
    const auto sent = os::SendDescriptors(connection_.Get(), Encode(message), {});
    if (!sent) return base::SystemError("answer the caller", sent.error().value);
    return {};
  }

 private:
  bool IsCurrent() const {
    const auto policy = recipe_.is_policy_current(*batch_);
    if (!policy || !*policy) return false;
    const auto plan = tree_.IsCurrent();
    return plan && *plan;
  }

  base::Status WaitForCaller(int sandbox) {
    auto self = Self::Look();
    if (!self) return self.error();
    self_ = *std::move(self);
    const auto watch = os::Watch::Make();
    if (!watch) return base::SystemError("wait for a caller", watch.error().value);
    auto added = watch->Add(sandbox, kSandbox);
    if (added) added = watch->Add(owner_.Get(), kOwner);
    if (added) added = watch->AddShared(listener_.Get(), kCaller);
    if (added) added = WatchTree(*watch);
    if (!added) return base::SystemError("wait for a caller", added.error().value);
    Tell(Word::kReady);
    for (std::optional<std::chrono::steady_clock::time_point> rest; !HasCome();) {
      const auto event = watch->Wait(rest);
      if (!event) return base::SystemError("wait for a caller", event.error().value);
      if (!*event || **event == kTree) {
        const auto done = *event ? watch->Remove(tree_.Descriptor()) : WatchTree(*watch);
        if (!done) return base::SystemError("wait for a caller", done.error().value);
        rest.reset();
        if (*event) rest = std::chrono::steady_clock::now() + kRest;
        continue;
      }
      if (**event == kSandbox) return base::Internal("wait for a caller: the sandbox has ended");
      if (**event == kOwner) return base::Unsupported("wait for a caller: the pool has ended");
      if (const auto met = Meet(); !met) return met.error();
    }
    listener_.Reset();
    return {};
  }

  os::SysStatus WatchTree(const os::Watch& watch) {
    tree_.Watch();
    return tree_.Descriptor() < 0 ? os::SysStatus() : watch.Add(tree_.Descriptor(), kTree);
  }

  // One that is turned away leaves the sandbox to the next.
  base::Status Meet() {
    auto accepted = os::AcceptConnection(listener_.Get());
    if (!accepted) return base::SystemError("accept a caller", accepted.error().value);
    if (!*accepted) return {};
    connection_ = **std::move(accepted);
    if (const auto read = ReadRequest(); !read) {
      (void)Say(Refused{read.error().code, read.error().text});
      connection_.Reset();
      streams_ = {};
    }
    return {};
  }

  base::Status ReadRequest() {
    if (const auto checked = self_->CheckPeer(connection_.Get()); !checked) return checked;
    const std::array<os::Interest, 1> interests = {{{connection_.Get()}}};
    const auto ready = os::WaitReady(interests, std::chrono::steady_clock::now() + kPatience);
    if (!ready || !*ready) return base::InvalidInput("read a caller's request: there is none");
    const auto received = os::ReceiveDescriptors(connection_.Get(), room_.All(), streams_);
    if (!received) return base::SystemError("read a caller's request", received.error().value);
    auto message = Decode(room_.First(received->size));
    if (!message) return message.error();
    auto* const request = std::get_if<Request>(&*message);
    if (!request || received->descriptors != streams_.size())
      return base::InvalidInput("read a caller's request: it is not one");
    if (!request->key.empty() && request->key != recipe_.key)
      return base::InvalidInput("serve a caller: it asks for other sandboxes than this pool's");
    if (request->argv.empty()) return base::InvalidInput("start program: none is named");
    request_ = std::move(*request);
    return sandbox::CheckStreams(streams_);
  }

  // As policy::Load would have it with these on the command line.
  policy::Environment Variables() const {
    policy::Environment variables = batch_->policy.environment;
    for (const std::string& name : request_.pass) {
      variables.set.erase(name);
      variables.pass.push_back(name);
    }
    for (const std::string& entry : request_.set) {
      const std::size_t equals = entry.find('=');
      if (equals == 0 || equals == std::string::npos) continue;
      variables.set[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    return variables;
  }

  // The plan becomes one with this program in it, for what is said afterwards.
  base::Result<sandbox::Command> MakeCommand() {
    sandbox::Plan& plan = batch_->plan;
    plan.argv = request_.argv;
    plan.environment = sandbox::PlanEnvironment(Variables(), request_.environment);
    plan.executables = sandbox::PlanExecutables(plan.argv[0], plan.environment);
    if (!request_.workdir.empty()) plan.workdir = request_.workdir;
    if (request_.wall) plan.wall = request_.wall;
    account_->Begin();
    sandbox::Command command;
    command.argv = plan.argv;
    command.executables = plan.executables;
    command.environment = plan.environment;
    command.workdir = request_.workdir;
    command.streams = std::move(streams_);
    command.wall = plan.wall;
    return command;
  }

  const Recipe& recipe_;
  base::UniqueFd listener_, owner_, connection_;
  Batch* batch_ = nullptr;
  std::unique_ptr<Account> account_;
  std::optional<Self> self_;
  Freshness tree_;
  const Buffer room_;  // made before there is a caller to wait for it
  Request request_;
  std::array<base::UniqueFd, 3> streams_;
  bool is_stale_ = false, is_answered_ = false;
};

base::Result<sandbox::Outcome> Launch(Caller& caller, Batch& batch) {
  const auto observer = caller.Use(batch);
  if (!observer) return observer.error();
  return sandbox::LaunchFor(caller, batch.plan, [&] { return batch.filters; }, *observer);
}

}  // namespace

void RunSteward(const Recipe& recipe, Batch batch, base::UniqueFd listener, base::UniqueFd owner) {
  Caller caller(recipe, std::move(listener), std::move(owner));
  auto outcome = Launch(caller, batch);
  if (!outcome && caller.IsStale()) {
    // Who has come does not wait for another: the new sandbox is made here.
    auto fresh = recipe.make();
    if (fresh) batch = *std::move(fresh);
    outcome = fresh ? Launch(caller, batch) : base::Result<sandbox::Outcome>(fresh.error());
  }
  if (!caller.HasCome()) {
    caller.Tell(Word::kFailed, outcome ? "" : outcome.error().text);
  } else if (outcome) {
    caller.End(*outcome);
  } else {
    caller.Answer(Refused{outcome.error().code, ToString(outcome.error())});
  }
  os::Exit(0);
}

}  // namespace bailey::pool
