#include "sandbox/tasks.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/landlock.h"
#include "os/network.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::sandbox {
namespace {

constexpr int kStandardDescriptors = 3;

// Stops at the first stage that fails; `done` is then the failure to report.
class Stages {
 public:
  template <class F>
  Stages& Then(Stage stage, F act) {
    if (failed_) return *this;
    failure_ = {stage, 0, 0};
    if (const os::SysStatus done = act(failure_); !done) {
      failure_.error = done.error().value;
      failed_ = true;
    }
    return *this;
  }
  bool Failed() const { return failed_; }
  const Failure& TheFailure() const { return failure_; }

 private:
  Failure failure_;
  bool failed_ = false;
};

// Waits on the shared socket for one message of this kind; a closed socket is a supervisor gone.
os::SysStatus WaitFor(int socket, MessageKind kind) {
  Message message;
  ssize_t size = -1;
  do {
    size = ::read(socket, &message, sizeof(message));
  } while (size < 0 && errno == EINTR);
  if (size < 0) return os::LastErrno();
  if (size != sizeof(message) || message.kind != kind) return os::Fail(EPIPE);
  return {};
}

os::SysStatus ApplyLimits(const Plan& plan, Failure& failure) {
  for (const Limit& limit : plan.limits) {
    if (const auto set = os::SetLimit(limit.resource, limit.value); !set) return set;
    ++failure.index;
  }
  return {};
}

os::SysStatus BecomePlannedIds(const Identity& identity) {
  if (identity.privileged) {
    if (const auto done = os::DropGroups(); !done) return done;
    if (auto done = os::BecomeIds(identity.inside_uid, identity.inside_gid); !done) return done;
  }
  // A change of ids clears the dumpable flag, and with it goes the right to our own /proc files.
  if (const auto done = os::SetDumpable(true); !done) return done;
  return os::DieWithParent();
}

os::SysStatus MapPayload(const Identity& identity, pid_t payload) {
  const auto proc = os::Open(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
  if (!proc) return std::unexpected(proc.error());
  return os::WriteIdMaps(proc->Get(), payload, {identity.inside_uid, identity.inside_uid, 1},
                         {identity.inside_gid, identity.inside_gid, 1}, true);
}

os::SysStatus AttachFilters(const FilterSlot& filters, Failure& failure) {
  const std::uint8_t* records = filters.records.data();
  for (; failure.index < filters.count; ++failure.index) {
    const std::uint32_t size = filters.sizes[failure.index];
    if (const auto attached = os::AttachFilter({records, size}); !attached) return attached;
    records += size;
  }
  return {};
}

// Keeps `keep` as descriptor 3 and closes all others but the standard ones.
os::SysStatus KeepOnly(base::UniqueFd& keep) {
  if (keep.Get() != kStandardDescriptors) {
    const int moved = ::dup3(keep.Get(), kStandardDescriptors, O_CLOEXEC);
    if (moved < 0) return os::LastErrno();
    keep.Reset(moved);
  }
  return os::CloseFrom(kStandardDescriptors + 1);
}

os::SysStatus RestrictFiles(const Prepared& prepared) {
  if (prepared.plan->landlock.abi == 0) return {};
  return os::Restrict(prepared.ruleset.Get());
}

// Reaps until the payload ends. What else still runs in the namespace dies with PID 1.
[[noreturn]] void Reap(const Prepared& prepared, pid_t payload) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait4(-1, &status, 0, nullptr);
    if (ended < 0 && errno == EINTR) continue;
    if (ended >= 0 && ended != payload) continue;
    Message message{.kind = MessageKind::kEnded, .error = status};
    if (ended < 0) message = {MessageKind::kFailed, Stage::kHandshake, 0, errno};
    (void)!::write(prepared.socket.Get(), &message, sizeof(message));
    os::Exit(0);
  }
}

}  // namespace

void Report(const Prepared& prepared, const Failure& failure) {
  const Message message{MessageKind::kFailed, failure.stage, failure.index, failure.error};
  // Nothing is left to do if the supervisor is gone: its death takes the sandbox along.
  (void)!::write(prepared.socket.Get(), &message, sizeof(message));
}

os::SysStatus MakeLandlockRules(Prepared& prepared, Failure& failure) {
  const LandlockPlan& plan = prepared.plan->landlock;
  if (plan.abi == 0) return {};
  auto ruleset = os::MakeRuleset(plan.handled, plan.scopes);
  if (!ruleset) return std::unexpected(ruleset.error());
  for (const PathRule& rule : plan.rules) {
    base::UniqueFd opened;
    if (rule.standard_fd < 0) {
      auto path = os::Open(AT_FDCWD, rule.path.c_str(), O_PATH | O_NOFOLLOW);
      if (!path) return std::unexpected(path.error());
      opened = std::move(*path);
    }
    const int path = rule.standard_fd >= 0 ? rule.standard_fd : opened.Get();
    if (const auto added = os::AddRule(ruleset->Get(), path, rule.rights); !added) return added;
    ++failure.index;
  }
  prepared.ruleset = std::move(*ruleset);
  return {};
}

void RunPayload(Prepared& prepared, base::UniqueFd release) {
  const Plan& plan = *prepared.plan;
  const int socket = prepared.socket.Get();
  Stages stages;
  stages
      .Then(Stage::kHandshake,
            [&](Failure&) {
              char byte = 0;
              if (::read(release.Get(), &byte, 1) != 1) return os::SysStatus(os::Fail(EPIPE));
              return os::WriteAll(socket, Message{.kind = MessageKind::kHello}.Bytes());
            })
      .Then(Stage::kNewSession,
            [&](Failure&) { return plan.new_session ? os::StartSession() : os::SysStatus(); })
      .Then(Stage::kWorkdir, [&](Failure&) { return os::ChangeDirectory(plan.workdir.c_str()); })
      .Then(Stage::kSignals, [](Failure&) { return os::ResetSignals(); })
      .Then(Stage::kKeyring, [](Failure&) { return os::JoinNewSessionKeyring(); })
      .Then(Stage::kLimits, [&](Failure& failure) { return ApplyLimits(plan, failure); })
      .Then(Stage::kNoNewPrivileges, [](Failure&) { return os::SetNoNewPrivileges(); })
      .Then(Stage::kLandlock, [&](Failure&) { return RestrictFiles(prepared); })
      .Then(Stage::kCapabilities, [&](Failure&) { return os::KeepCapabilities(plan.capabilities); })
      // The supervisor reads back what is in force through /proc, which this flag opens to it.
      .Then(Stage::kCapabilities, [](Failure&) { return os::SetDumpable(true); })
      .Then(Stage::kDescriptors, [&](Failure&) { return KeepOnly(prepared.socket); })
      .Then(Stage::kHandshake,
            [&](Failure&) { return WaitFor(prepared.socket.Get(), MessageKind::kFilter); })
      .Then(Stage::kSeccomp,
            [&](Failure& failure) { return AttachFilters(prepared.Filter(), failure); })
      .Then(Stage::kHandshake,
            [&](Failure&) {
              const int kept = prepared.socket.Get();
              const auto said = os::WriteAll(kept, Message{.kind = MessageKind::kReady}.Bytes());
              return said ? WaitFor(kept, MessageKind::kStart) : said;
            })
      .Then(Stage::kExecute, [&](Failure&) {
        // As execvp(3): a candidate that is there but may not be executed decides the error.
        os::SysStatus answer = os::Fail(ENOENT);
        for (const char* path : prepared.executables) {
          const auto executed =
              os::Execute(path, prepared.argv.data(), prepared.environment.data());
          if (executed.error().value != ENOENT && executed.error().value != ENOTDIR)
            answer = executed;
        }
        return answer;
      });
  Report(prepared, stages.TheFailure());
  os::Exit(1);
}

void RunPid1(Prepared& prepared) {
  const Plan& plan = *prepared.plan;
  const bool own_network = plan.namespaces & os::kNetworkNamespace;
  os::Child payload;
  int pipe_ends[2] = {-1, -1};
  Stages stages;
  stages
      .Then(Stage::kMapIds,
            [&](Failure&) {
              const auto bound = os::DieWithParent();
              return bound ? WaitFor(prepared.socket.Get(), MessageKind::kMapped) : bound;
            })
      .Then(Stage::kBecomeIds, [&](Failure&) { return BecomePlannedIds(plan.identity); })
      .Then(Stage::kMount, [&](Failure& failure) { return BuildRoot(prepared, failure); })
      .Then(Stage::kLandlockRules,
            [&](Failure& failure) { return MakeLandlockRules(prepared, failure); })
      .Then(Stage::kHostname, [&](Failure&) { return os::SetHostname(plan.hostname); })
      .Then(Stage::kLoopback,
            [&](Failure&) { return own_network ? os::BringLoopbackUp() : os::SysStatus(); })
      .Then(Stage::kForkPayload, [&](Failure&) {
        if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return os::SysStatus(os::LastErrno());
        auto forked = os::Fork(os::kUserNamespace);
        if (!forked) return os::SysStatus(std::unexpected(forked.error()));
        payload = std::move(*forked);
        return os::SysStatus();
      });
  base::UniqueFd read_end(pipe_ends[0]);
  base::UniqueFd write_end(pipe_ends[1]);
  if (!stages.Failed() && payload.pid == 0) {
    write_end.Reset();
    RunPayload(prepared, std::move(read_end));
  }
  stages
      .Then(Stage::kMapPayloadIds, [&](Failure&) { return MapPayload(plan.identity, payload.pid); })
      // The payload goes on beside us; the supervisor lets it execute when both are ready.
      .Then(Stage::kHandshake, [&](Failure&) { return os::WriteAll(write_end.Get(), "x"); })
      .Then(Stage::kSealRoot, [&](Failure&) { return SealRoot(prepared); })
      // From here nobody may ptrace this task or open its memory: it is a copy of the supervisor,
      // and a payload under seccomp could otherwise act through it.
      .Then(Stage::kSealRoot, [](Failure&) { return os::SetDumpable(false); })
      .Then(Stage::kNoNewPrivileges, [](Failure&) { return os::SetNoNewPrivileges(); })
      .Then(Stage::kLandlock, [&](Failure&) { return RestrictFiles(prepared); })
      .Then(Stage::kCapabilities, [](Failure&) { return os::KeepCapabilities(0); })
      .Then(Stage::kDescriptors, [&](Failure&) { return KeepOnly(prepared.socket); })
      .Then(Stage::kSeccomp, [&](Failure&) { return os::AttachFilter(prepared.reaper_filter); })
      .Then(Stage::kHandshake, [&](Failure&) {
        return os::WriteAll(prepared.socket.Get(), Message{.kind = MessageKind::kSealed}.Bytes());
      });
  if (stages.Failed()) {
    Report(prepared, stages.TheFailure());
    os::Exit(1);
  }
  Reap(prepared, payload.pid);
}

}  // namespace bailey::sandbox
