// What a machine runs in, for who runs a program in it: QEMU, Firecracker, or a copy that a pool
// has ready. Whatever happens, the machine does not outlive its object.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "guest/protocol.h"
#include "microvm/firecracker.h"
#include "microvm/ready.h"
#include "microvm/vmm.h"

namespace bailey::microvm {

class Backend {
 public:
  virtual ~Backend() = default;
  // The line to the guest, once it is there; to be called once.
  virtual base::Result<base::UniqueFd> TakeLine() = 0;
  // The token with which the guest has been greeted already: its answer is still to be heard.
  virtual std::optional<guest::Token> Greeted() const { return {}; }
  // For a line that was cut: why, as far as that is known.
  virtual base::Error WhyEnded() = 0;
  // Nothing of it is needed any more.
  virtual void End() = 0;
  // The drive for changes, where the back end has made its own.
  virtual base::UniqueFd TakeWritten() { return {}; }
  // Whether the guest is asked to switch off before.
  virtual bool IsAskedFirst() const { return false; }
  // "microvm (qemu, tcg)": what runs there is said to run so once its guest has greeted.
  virtual const char* Isolation() const = 0;
  // How the monitor is confined, for the report.
  virtual const char* Confinement() const = 0;
};

// `plan` without its line, which is made here.
base::Result<std::unique_ptr<Backend>> StartQemu(QemuPlan plan, const Prover& prover);
base::Result<std::unique_ptr<Backend>> StartFirecracker(const FirecrackerHost& host,
                                                        const std::string& id,
                                                        const JailContents& contents,
                                                        std::chrono::milliseconds patience,
                                                        os::SignalQueue& signals);
std::unique_ptr<Backend> UseReady(ReadyMachine ready);

}  // namespace bailey::microvm
