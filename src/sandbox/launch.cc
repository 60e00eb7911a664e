#include "sandbox/launch.h"

#include <fmt/format.h>
#include <signal.h>

#include "network/probe.h"
#include "network/running.h"
#include "os/events.h"
#include "os/process.h"
#include "os/terminal.h"
#include "sandbox/id_map.h"
#include "sandbox/kept.h"
#include "sandbox/launch_error.h"
#include "sandbox/reaper_filter.h"
#include "sandbox/stubs.h"
#include "sandbox/supervisor.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {
namespace {

// What the program has of its caller, or memory by which it gets it later.
base::Status PrepareProgram(const Plan& plan, bool later, Prepared& prepared) {
  if (later) {
    auto memory = os::SharedMemory::Make(sizeof(CommandSlot));
    if (!memory) return At(Stage::kCommand, memory.error());
    prepared.command_memory = std::move(*memory);
    return {};
  }
  std::vector<int> descriptors = {0, 1, 2};
  if (plan.output || plan.terminal || !plan.sockets.empty()) {
    auto streams = Streams::Make(plan.output, plan.terminal, plan.sockets);
    if (!streams) return At(Stage::kOutput, streams.error());
    prepared.streams = *std::move(streams);
    for (const base::UniqueFd& end : prepared.streams->Ends()) descriptors.push_back(end.Get());
  }
  return GivePipes(plan.identity, descriptors);
}

base::Result<Prepared> Prepare(const Plan& plan, bool later) {
  Prepared prepared;
  prepared.plan = &plan;
  const auto strings = [](const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  };
  prepared.argv = strings(plan.argv);
  prepared.environment = strings(plan.environment);
  for (const std::string& path : plan.executables) prepared.executables.push_back(path.c_str());
  prepared.executables.push_back(nullptr);
  const std::size_t steps = plan.root.steps.size();
  prepared.sources.resize(steps);
  prepared.sizes.resize(steps);
  prepared.inodes.resize(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    const auto* tmpfs = std::get_if<TmpfsMount>(&plan.root.steps[i]);
    if (!tmpfs) continue;
    *fmt::format_to(prepared.sizes[i].data(), "{}", tmpfs->size) = '\0';
    *fmt::format_to(prepared.inodes[i].data(), "{}", tmpfs->inodes) = '\0';
  }
  auto filter = ReaperFilter();
  if (!filter) return filter.error();
  prepared.reaper_filter = filter->Bytes();
  auto memory = os::SharedMemory::Make(sizeof(FilterSlot));
  if (!memory) return At(Stage::kSeccomp, memory.error());
  prepared.filter_memory = std::move(*memory);
  if (plan.network) prepared.network = network::Prepare(*plan.network);
  if (const auto done = PrepareProgram(plan, later, prepared); !done) return done.error();
  if (plan.identity.privileged && HasNamespaces(plan)) {
    if (const auto cloned = ClonePrivileged(plan, prepared.sources); !cloned) return cloned.error();
  }
  return prepared;
}

// Ends what an observer began, after every process that it may answer is gone.
class EndOfListening {
 public:
  explicit EndOfListening(CallObserver* observer) : observer_(observer) {}
  EndOfListening(const EndOfListening&) = delete;
  EndOfListening& operator=(const EndOfListening&) = delete;
  ~EndOfListening() {
    if (observer_ != nullptr) observer_->End();
  }

 private:
  CallObserver* observer_;
};

// `customer`: of a program that is not known yet, or null.
base::Result<Outcome> Start(const Plan& plan, const FilterSource& filter, Customer* customer,
                            CallObserver* observer, const network::DecisionSink& decisions) {
  std::optional<network::Running> gateway;
  if (plan.network) {
    auto made = network::Running::Make(*plan.network, plan.resolver, decisions);
    if (!made) return made.error();
    gateway.emplace(*std::move(made));
  }
  // Locked until the sandbox has ended: nobody applies changes that are still being made.
  const auto kept = MakeKept(plan);
  if (!kept) return kept.error();
  auto prepared = Prepare(plan, customer != nullptr);
  if (!prepared) return prepared.error();
  if (const auto done = os::ExpectChildren(); !done) return At(Stage::kSignals, done.error());
  const os::TerminalSettings terminal;
  auto signals = os::SignalQueue::Make();
  if (!signals) return At(Stage::kSignals, signals.error());
  if (gateway) prepared->handoff = gateway->Handoff();
  auto pair = os::MessagePair();
  if (!pair) return At(Stage::kHandshake, pair.error());
  prepared->socket = std::move((*pair)[1]);
  // Outlive the sandbox, whose masks lie on them.
  const auto stubs = Stubs::Make(plan.root.stubs);
  if (!stubs) return stubs.error();
  // Outlives the sandbox: a group can be removed when nobody is in it any more.
  const auto groups = Groups::Make(plan.limits.groups);
  if (!groups) return groups.error();
  if (!HasNamespaces(plan)) {
    if (const auto done = os::AdoptOrphans(); !done) return At(Stage::kForkPayload, done.error());
  }
  auto child = os::Fork(plan.namespaces & kRootNamespaces);
  if (!child) return CannotFork(plan, child.error().value);
  if (child->pid == 0) {
    (*pair)[0].Reset();
    if (gateway) gateway->LeaveToSandbox();
    HasNamespaces(plan) ? RunPid1(*prepared) : RunKeeper(*prepared);
  }
  const EndOfListening end(observer);
  Sandbox sandbox(std::move(*child), HasNamespaces(plan));
  if (gateway) gateway->CloseHandoff();
  prepared->socket.Reset();
  prepared->sources.clear();
  if (prepared->streams) prepared->streams->CloseEnds();
  return Supervisor(plan, *prepared, *groups, sandbox, std::move((*pair)[0]), *signals, customer,
                    observer, gateway ? &*gateway : nullptr)
      .Run(filter);
}

}  // namespace

int ExitStatus(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::kExited:
      return outcome.status;
    case Outcome::Kind::kSignalled:
    case Outcome::Kind::kMemoryLimit:
      return 128 + outcome.status;
    case Outcome::Kind::kOutputLimit:
      return 128 + SIGXFSZ;
    case Outcome::Kind::kTimeLimit:
      return 124;
    case Outcome::Kind::kNotExecutable:
      return 126;
    case Outcome::Kind::kNotFound:
      return 127;
  }
  return 125;
}

base::Result<Outcome> Launch(const Plan& plan, const FilterSource& filter, CallObserver* observer,
                             const network::DecisionSink& decisions) {
  return Start(plan, filter, nullptr, observer, decisions);
}

base::Result<Outcome> LaunchFor(Customer& customer, const Plan& plan, const FilterSource& filter,
                                CallObserver* observer) {
  if (!HasNamespaces(plan)) {
    return base::Unsupported(
        "prepare a sandbox: without namespaces what it leaves running could outlive the pool");
  }
  if (!plan.new_session || plan.terminal) {
    return base::Unsupported(
        "prepare a sandbox: the policy gives its program the caller's terminal, and who calls is "
        "not "
        "known yet");
  }
  if (plan.network && !plan.network->policy.listen.empty()) {
    return base::Unsupported(
        "prepare a sandbox: a port of the host ([network] listen) leads to one sandbox, and a pool "
        "has several");
  }
  return Start(plan, filter, &customer, observer,
               [&](const network::Decision& decision) { customer.Decided(decision); });
}

}  // namespace bailey::sandbox
