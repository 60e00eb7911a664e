// The steps of one task inside, each under the name that its failure is reported by.
#pragma once

#include "os/errno.h"
#include "sandbox/message.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {

// Stops at the first stage that fails.
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

// Becomes what the plan says a task of a privileged supervisor is, and ends when its parent does.
os::SysStatus BecomeIds(const Identity& identity, std::uint32_t uid, std::uint32_t gid);
// Waits on the socket that both tasks share with the supervisor for one message of this kind; a
// closed socket is a supervisor gone.
os::SysStatus WaitFor(int socket, MessageKind kind);
// Reaps until the payload ends, and says how.
[[noreturn]] void Reap(const Prepared& prepared, pid_t payload);
// Tells the supervisor what failed, and ends this task.
[[noreturn]] void Report(const Prepared& prepared, const Failure& failure);
os::SysStatus MakeLandlockRules(Prepared& prepared, Failure& failure);
os::SysStatus RestrictFiles(const Prepared& prepared);

}  // namespace bailey::sandbox
