// Firecracker in its jail, made over its API: a machine with KVM.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "microvm/firecracker_jail.h"
#include "os/events.h"
#include "os/process.h"
#include "sandbox/limits.h"

namespace bailey::microvm {

class Firecracker {
 public:
  // The machine has been started when this returns, and has not said anything yet. Whatever the
  // monitor does not answer within `patience` ends it. `signals`: of the caller's, by which one
  // says when nobody wants the machine any more.
  static base::Result<std::unique_ptr<Firecracker>> Start(const FirecrackerHost& host,
                                                          const std::string& id,
                                                          const JailContents& contents,
                                                          std::chrono::milliseconds patience,
                                                          os::SignalQueue& signals);
  Firecracker(const Firecracker&) = delete;
  Firecracker& operator=(const Firecracker&) = delete;
  ~Firecracker();  // whatever happens, the machine does not outlive this object

  // The line to the guest, once it listens.
  base::Result<base::UniqueFd> Connect();
  // For a line that was cut: waits a little until the machine has ended, and says why, as far as
  // that is known.
  base::Error WhyEnded();
  void Stop();
  // The drive that was written, to be read when the machine has ended.
  base::UniqueFd TakeWritten() { return jail_.TakeWritten(); }

 private:
  using Clock = std::chrono::steady_clock;

  Firecracker(JailUser user, Jail jail, Clock::time_point deadline, os::SignalQueue& signals)
      : user_(std::move(user)), jail_(std::move(jail)), deadline_(deadline), signals_(signals) {}
  base::Status Launch(const JailPlan& plan, const std::vector<sandbox::Limit>& limits, int network);
  base::Status Configure();
  // The socket `name` in the jail, which is waited for.
  base::Result<base::UniqueFd> Await(const char* name);
  base::Status Pause();
  std::string LastWords();

  JailUser user_;
  Jail jail_;
  Clock::time_point deadline_;
  os::SignalQueue& signals_;
  std::optional<sandbox::Groups> groups_;
  os::Child init_;
  base::UniqueFd report_, output_;
};

}  // namespace bailey::microvm
