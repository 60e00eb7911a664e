#include "sandbox/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "os/events.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"
#include "sandbox/id_map.h"
#include "sandbox/reaper_filter.h"
#include "sandbox/stubs.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

base::Error At(Stage stage, os::Errno error) {
  return base::SystemError(std::string(ToString(stage)), error.value);
}

// fs/namespace.c, mount_too_revealing: a user namespace gets a new /proc only where it can already
// see all of one.
bool IsProcRefused(const Plan& plan, const Message& message) {
  return message.stage == Stage::kMount && message.error == EPERM &&
         message.index < plan.root.steps.size() &&
         std::holds_alternative<ProcMount>(plan.root.steps[message.index]);
}

// The failure of a task inside, with the object that it was about.
base::Error Describe(const Plan& plan, const Message& message) {
  std::string text(ToString(message.stage));
  if (message.stage == Stage::kMount && message.index < plan.root.steps.size())
    text = fmt::format("build root: {}", ToString(plan.root.steps[message.index]));
  if (IsProcRefused(plan, message))
    text +=
        " (parts of the /proc around us are covered, as container engines do; the kernel then "
        "gives no new one)";
  if (message.stage == Stage::kLimits && message.index < plan.limits.resources.size())
    text += " " + plan.limits.resources[message.index].name;
  if (message.stage == Stage::kLandlockRules && message.index < plan.landlock.rules.size())
    text += " for " + plan.landlock.rules[message.index].path;
  if (message.stage == Stage::kWorkdir) text += " " + plan.workdir;
  if (message.stage == Stage::kHandshake && message.error == EPERM)
    text += " (the policy denies read or write, which every program needs)";
  return base::SystemError(text, message.error);
}

base::Result<Prepared> Prepare(const Plan& plan) {
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
  if (plan.output || plan.terminal) {
    auto streams = Streams::Make(plan.output, plan.terminal);
    if (!streams) return At(Stage::kOutput, streams.error());
    prepared.streams = *std::move(streams);
  }
  if (const auto given = GivePipes(prepared); !given) return given.error();
  if (plan.identity.privileged && HasNamespaces(plan)) {
    if (const auto cloned = ClonePrivileged(plan, prepared.sources); !cloned) return cloned.error();
  }
  return prepared;
}

// PID 1 of a sandbox as its supervisor holds it: whatever happens, it does not outlive this object.
class Sandbox {
 public:
  // Without namespaces nothing goes with the first process but what its parent takes along.
  Sandbox(os::Child child, bool has_namespaces)
      : child_(std::move(child)), has_namespaces_(has_namespaces) {}
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox() {
    if (child_.pid <= 0) return;
    Kill();
    (void)Wait();
  }

  pid_t Pid() const { return child_.pid; }
  int Pidfd() const { return child_.pidfd.Get(); }
  void Kill() { (void)os::SendSignal(child_.pidfd.Get(), SIGKILL); }
  os::SysResult<os::Ended> Wait() {
    const pid_t pid = std::exchange(child_.pid, -1);
    auto ended = os::WaitFor(pid);
    if (has_namespaces_) return ended;
    const auto killed = os::KillChildren();
    if (!killed) return std::unexpected(killed.error());
    return ended;
  }

 private:
  os::Child child_;
  bool has_namespaces_;
};

// The supervisor's side of one launch, from the first message to the last.
class Supervisor {
 public:
  Supervisor(const Plan& plan, Prepared& prepared, const Groups& groups, Sandbox& sandbox,
             base::UniqueFd socket, os::SignalQueue& signals)
      : plan_(plan),
        slot_(prepared.Filter()),
        streams_(prepared.streams),
        groups_(groups),
        sandbox_(sandbox),
        socket_(std::move(socket)),
        signals_(signals),
        begin_(Clock::now()) {}

  base::Result<Outcome> Run(const FilterSource& filter) {
    if (const auto watched = Watch(filter); !watched) {
      if (start_ == Clock::time_point()) return watched.error();
      // An error says that the program never ran. This one did, and is killed for want of a
      // watcher.
      sandbox_.Kill();
      wait_status_ = SIGKILL;
      outcome_.detail = watched.error().text;
    }
    return Finish();
  }

 private:
  base::Status Watch(const FilterSource& filter) {
    if (const auto mapped = MapIds(); !mapped) return mapped.error();
    if (const auto made = MakeFilter(filter); !made) return made.error();
    for (bool over = false; !over;) {
      std::vector<os::Interest> interests = {{socket_.Get()}, {signals_.Descriptor()}};
      std::vector<std::size_t> lines;
      if (streams_) streams_->Watch(interests, lines);
      const auto ready = os::WaitReady(interests, deadline_);
      if (!ready) return base::SystemError("wait for the sandbox", ready.error().value);
      if (!*ready) {
        outcome_.kind = Outcome::Kind::kTimeLimit;
        sandbox_.Kill();
        break;
      }
      if (**ready == 1) {
        if (const auto passed = PassSignals(); !passed) return passed.error();
        continue;
      }
      if (**ready > 1) {
        if (const auto passed = PassOn(lines[**ready - 2]); !passed) return passed.error();
        if (!streams_->IsExceeded()) continue;
        outcome_.kind = Outcome::Kind::kOutputLimit;
        sandbox_.Kill();
        break;
      }
      const auto handled = HandleMessage();
      if (!handled) return handled.error();
      over = *handled;
    }
    return {};
  }

  // Before its ids are mapped the sandbox does nothing, so it is in its groups from the start.
  base::Status MapIds() {
    if (const auto added = groups_.Add(sandbox_.Pid()); !added) return added;
    const auto proc = os::Open(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    if (!proc) return At(Stage::kMapIds, proc.error());
    const Identity& identity = plan_.identity;
    const auto mapped =
        HasNamespaces(plan_)
            ? os::WriteIdMaps(proc->Get(), sandbox_.Pid(),
                              {identity.inside_uid, identity.outside_uid, 1},
                              {identity.inside_gid, identity.outside_gid, 1}, !identity.privileged)
            : os::SysStatus();
    if (!mapped) return At(Stage::kMapIds, mapped.error());
    if (const auto sent = Tell(MessageKind::kMapped); !sent) return sent;
    // From here no process of this user may ptrace the supervisor or open its memory.
    if (const auto set = os::SetDumpable(false); !set) return At(Stage::kMapIds, set.error());
    return {};
  }

  base::Status MakeFilter(const FilterSource& filter) {
    const auto programs = filter();
    if (!programs) return programs.error();
    if (programs->size() > FilterSlot::kMostFilters)
      return base::InvalidInput(fmt::format("attach {} seccomp filters: a sandbox has at most {}",
                                            programs->size(), FilterSlot::kMostFilters));
    std::size_t used = 0;
    for (const bpf::Program& program : *programs) {
      const std::vector<std::uint8_t> bytes = program.Bytes();
      if (bytes.size() > slot_.records.size() - used)
        return base::InvalidInput(
            fmt::format("attach seccomp filters: together they have more than {} instructions",
                        FilterSlot::kMostInstructions));
      std::ranges::copy(bytes, slot_.records.begin() + static_cast<std::ptrdiff_t>(used));
      used += bytes.size();
      slot_.sizes[slot_.count++] = static_cast<std::uint32_t>(bytes.size());
      instructions_.push_back(program.Size());
    }
    return Tell(MessageKind::kFilter);
  }

  base::Status Tell(MessageKind kind) {
    const auto sent = os::Send(socket_.Get(), Message{.kind = kind}.Bytes());
    if (!sent) return At(Stage::kHandshake, sent.error());
    return {};
  }

  // True when the program has ended, or never started for a reason that is the program's own.
  base::Result<bool> HandleMessage() {
    Message message;
    auto received =
        os::Receive(socket_.Get(), {reinterpret_cast<char*>(&message), sizeof(message)});
    if (!received) return At(Stage::kHandshake, received.error());
    if (received->size == 0) return EndedUnseen();
    if (received->size != sizeof(message))
      return base::Internal("talk to the sandbox: a message of the wrong size");
    switch (message.kind) {
      case MessageKind::kHello: {
        auto pidfd = os::OpenPidfd(received->sender);
        if (!pidfd && pidfd.error().value == ESRCH) return false;
        if (!pidfd) return At(Stage::kHandshake, pidfd.error());
        payload_ = received->sender;
        payload_pidfd_ = std::move(*pidfd);
        return false;
      }
      case MessageKind::kTerminal:
        terminal_ = std::move(received->descriptor);
        return false;
      case MessageKind::kReady:
        ready_ = true;
        return StartWhenComplete();
      case MessageKind::kSealed: {
        // A keeper has nothing of the payload's to show, and may be sealed before that says hello.
        if (HasNamespaces(plan_) && HasPayloadEnded()) return false;
        auto found = ReadBackRoot(plan_, payload_, sandbox_.Pid());
        if (!found && HasPayloadEnded()) return false;
        if (!found) return found.error();
        root_ = std::move(*found);
        return StartWhenComplete();
      }
      case MessageKind::kFailed:
        return Failed(message);
      case MessageKind::kEnded:
        if (outcome_.enforced.empty()) return EndedEarly(message.error);
        wait_status_ = message.error;
        return true;
      case MessageKind::kMapped:
      case MessageKind::kFilter:
      case MessageKind::kStart:
        break;
    }
    return base::Internal("talk to the sandbox: an unexpected message");
  }

  // Such a task has no files in /proc to read back, and may have been gone before a descriptor of
  // it was opened; PID 1 is about to say how it ended.
  bool HasPayloadEnded() const { return payload_ < 0 || os::HasEnded(payload_pidfd_.Get()); }

  base::Result<bool> StartWhenComplete() {
    if (!ready_ || !root_) return false;
    auto enforced = ReadBackLayers(plan_, instructions_, payload_, *std::move(root_));
    if (!enforced && HasPayloadEnded()) return false;
    if (!enforced) return enforced.error();
    outcome_.enforced = std::move(*enforced);
    if (plan_.terminal) {
      if (const auto taken = streams_->AddTerminal(std::move(terminal_)); !taken)
        return At(Stage::kTerminal, taken.error());
    }
    if (const auto sent = Tell(MessageKind::kStart); !sent) return sent.error();
    start_ = Clock::now();
    outcome_.start_up = std::chrono::duration_cast<std::chrono::microseconds>(start_ - begin_);
    if (plan_.wall) deadline_ = start_ + *plan_.wall;
    return false;
  }

  base::Result<bool> Failed(const Message& message) {
    if (message.stage == Stage::kSeccomp) return CannotAttach(message);
    if (message.stage != Stage::kExecute) return Describe(plan_, message);
    const bool missing = message.error == ENOENT || message.error == ENOTDIR;
    outcome_.kind = missing ? Outcome::Kind::kNotFound : Outcome::Kind::kNotExecutable;
    outcome_.detail =
        base::SystemError(fmt::format("execute {}", plan_.argv[0]), message.error).text;
    sandbox_.Kill();
    return true;
  }

  // A filter that kills what starting needs: seccomp below another filter, read or write.
  base::Error EndedEarly(int wait_status) const {
    std::string text = "start program: its task ended before it could execute";
    if (WIFSIGNALED(wait_status)) text += fmt::format(", by signal {}", WTERMSIG(wait_status));
    if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGSYS)
      text +=
          " (the policy kills read or write, which every program needs, or a filter that it "
          "stacks does, or kills seccomp)";
    return base::InvalidInput(text);
  }

  base::Error CannotAttach(const Message& message) const {
    std::string text(ToString(message.stage));
    if (instructions_.size() > 1)
      text += fmt::format(" {} of {}", message.index + 1, instructions_.size());
    if (message.error == ENOMEM) {
      text +=
          " (all filters of a task, those of its callers too, have 32768 translated "
          "instructions)";
    } else if (message.index > 0) {
      text += " (those below it must allow seccomp)";
    }
    return base::SystemError(text, message.error);
  }

  // PID 1 is gone without a word: somebody outside killed it, or the kernel ran out of memory.
  base::Result<bool> EndedUnseen() {
    if (!outcome_.enforced.empty()) {
      wait_status_ = SIGKILL;
      return true;
    }
    return base::SystemError("start sandbox: its first process was killed", ECHILD);
  }

  base::Status PassSignals() {
    while (const auto signal = signals_.Next()) {
      if (outcome_.enforced.empty()) {
        return base::SystemError(fmt::format("start sandbox: signal {} came first", *signal),
                                 EINTR);
      }
      if (plan_.terminal && (*signal == SIGWINCH || *signal == SIGCONT)) {
        streams_->Refresh();
        continue;
      }
      // ESRCH: it has just ended, which the socket is about to say.
      (void)os::SendSignal(payload_pidfd_.Get(), *signal);
    }
    return {};
  }

  base::Status PassOn(std::size_t line) {
    const auto passed = streams_->Step(line);
    if (!passed) return base::SystemError("pass on the program's streams", passed.error().value);
    return {};
  }

  base::Result<Outcome> Finish() {
    const auto ended = sandbox_.Wait();
    if (!ended) return base::SystemError("wait for the sandbox", ended.error().value);
    if (streams_) {
      if (const auto passed = streams_->Drain(); !passed && outcome_.detail.empty()) {
        outcome_.detail =
            base::SystemError("pass on the program's streams", passed.error().value).text;
      }
      if (streams_->IsExceeded() && outcome_.kind == Outcome::Kind::kExited)
        outcome_.kind = Outcome::Kind::kOutputLimit;
    }
    const auto since = [](const timeval& time) {
      return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    outcome_.user = since(ended->usage.ru_utime);
    outcome_.system = since(ended->usage.ru_stime);
    outcome_.peak_memory_kib = static_cast<std::uint64_t>(ended->usage.ru_maxrss);
    if (start_ != Clock::time_point())
      outcome_.wall = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_);
    if (outcome_.kind == Outcome::Kind::kExited) {
      if (WIFSIGNALED(wait_status_)) {
        outcome_.kind = Outcome::Kind::kSignalled;
        outcome_.status = WTERMSIG(wait_status_);
        if (outcome_.status == SIGKILL && groups_.HadMemoryKill())
          outcome_.kind = Outcome::Kind::kMemoryLimit;
      } else {
        outcome_.status = WEXITSTATUS(wait_status_);
      }
    }
    return std::move(outcome_);
  }

  const Plan& plan_;
  FilterSlot& slot_;
  std::optional<Streams>& streams_;
  const Groups& groups_;
  Sandbox& sandbox_;
  base::UniqueFd socket_;
  os::SignalQueue& signals_;
  Clock::time_point begin_, start_;
  std::optional<Clock::time_point> deadline_;
  pid_t payload_ = -1;
  base::UniqueFd payload_pidfd_;
  base::UniqueFd terminal_;                // master side
  std::vector<std::size_t> instructions_;  // of each filter
  bool ready_ = false;
  std::optional<RootFound> root_;
  int wait_status_ = 0;
  Outcome outcome_;
};

base::Error CannotFork(const Plan& plan, int number) {
  base::Error error = base::SystemError("make namespaces", number);
  if (number == EPERM || number == EACCES || number == ENOSPC || number == EUSERS)
    error.text += "; `bailey doctor` says what this host allows";
  if (plan.namespaces & os::kNetworkNamespace && number == EINVAL)
    error.text += " (this kernel lacks one of them)";
  return error;
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

base::Result<Outcome> Launch(const Plan& plan, const FilterSource& filter) {
  auto prepared = Prepare(plan);
  if (!prepared) return prepared.error();
  if (const auto done = os::ExpectChildren(); !done) return At(Stage::kSignals, done.error());
  const os::TerminalSettings terminal;
  auto signals = os::SignalQueue::Make();
  if (!signals) return At(Stage::kSignals, signals.error());
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
    HasNamespaces(plan) ? RunPid1(*prepared) : RunKeeper(*prepared);
  }
  Sandbox sandbox(std::move(*child), HasNamespaces(plan));
  prepared->socket.Reset();
  prepared->sources.clear();
  if (prepared->streams) prepared->streams->CloseEnds();
  return Supervisor(plan, *prepared, *groups, sandbox, std::move((*pair)[0]), *signals).Run(filter);
}

}  // namespace bailey::sandbox
