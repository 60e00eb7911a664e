#include "sandbox/stages.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "os/file.h"
#include "os/landlock.h"
#include "os/process.h"

namespace bailey::sandbox {
namespace {

std::uint64_t Microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

}  // namespace

os::SysStatus BecomeIds(const Identity& identity, std::uint32_t uid, std::uint32_t gid) {
  if (identity.privileged) {
    if (const auto done = os::DropGroups(); !done) return done;
    if (auto done = os::BecomeIds(uid, gid); !done) return done;
  }
  // A change of ids clears the dumpable flag, and with it goes the right to our own /proc files;
  // and it clears what is to happen when the parent ends.
  if (const auto done = os::SetDumpable(true); !done) return done;
  return os::DieWithParent();
}

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

void Report(const Prepared& prepared, const Failure& failure) {
  const Message message{MessageKind::kFailed, failure.stage, failure.index, failure.error};
  // Nothing is left to do if the supervisor is gone: its death takes the sandbox along.
  (void)!::write(prepared.socket.Get(), &message, sizeof(message));
  os::Exit(1);
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

// What else still runs in the namespace dies with PID 1.
void Reap(const Prepared& prepared, pid_t payload) {
  Message message{.kind = MessageKind::kEnded};
  for (;;) {
    int status = 0;
    struct rusage used = {};
    const pid_t ended = ::wait4(-1, &status, 0, &used);
    if (ended < 0 && errno == EINTR) continue;
    message.user_us += Microseconds(used.ru_utime);
    message.system_us += Microseconds(used.ru_stime);
    message.peak_kib = std::max(message.peak_kib, static_cast<std::uint64_t>(used.ru_maxrss));
    if (ended >= 0 && ended != payload) continue;

    message.error = status;
    if (ended < 0) message = {MessageKind::kFailed, Stage::kHandshake, 0, errno};
    // Every process in the namespace is a child of PID 1, or of one that is.
    if (ended >= 0 && ::wait4(-1, nullptr, WNOHANG, nullptr) < 0 && errno == ECHILD)
      message.index = kNobodyLeft;
    (void)!::write(prepared.socket.Get(), &message, sizeof(message));
    os::Exit(0);
  }
}

os::SysStatus RestrictFiles(const Prepared& prepared) {
  if (prepared.plan->landlock.abi == 0) return {};
  return os::Restrict(prepared.ruleset.Get());
}

}  // namespace bailey::sandbox
