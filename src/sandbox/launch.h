// Applies a Plan: builds the sandbox, reads back what is in force, lets the program start, waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bpf/program.h"
#include "network/decision.h"
#include "sandbox/plan.h"
#include "sandbox/readback.h"

namespace bailey::sandbox {

class Customer;

struct Outcome {
  enum class Kind : std::uint8_t {
    kExited,         // `status` is the exit status
    kSignalled,      // `status` is the signal
    kMemoryLimit,    // killed by the kernel at the limit; `status` is SIGKILL
    kOutputLimit,    // killed when it had written more than it may
    kTimeLimit,      // killed when the policy's wall time was over
    kNotFound,       // no such program inside; it never ran
    kNotExecutable,  // there, but the kernel would not execute it
  };
  Kind kind = Kind::kExited;
  int status = 0;
  std::string detail;  // for the last two: why; else what went wrong on our side, if anything
  std::chrono::microseconds wall{}, user{}, system{}, start_up{};
  std::uint64_t peak_memory_kib = 0;
  bool had_memory_kill = false;  // some process was killed at the limit, if not the program
  std::vector<Enforced> enforced;
};

// The exit status of `bailey run`: the program's own, 128+n (of SIGXFSZ for too much output), 124,
// 126 or 127.
int ExitStatus(const Outcome& outcome);

// Makes the program's seccomp filters, in the order in which they are attached. It is called once,
// in the supervisor, while the namespaces and the root are being made beside it; an error means
// that the program does not run.
using FilterSource = std::function<base::Result<std::vector<bpf::Program>>()>;

// Hears of the calls that the newest filter hands to its supervisor (abi/notification.h).
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  // Before the program starts; from here on the listener is the observer's.
  virtual base::Status Begin(base::UniqueFd listener, const bpf::Program& newest) = 0;
  // What can be read when there is a call to hear of, and then Hear; -1 when there is nothing to
  // wait for any more.
  virtual int Line() const = 0;
  virtual base::Status Hear() = 0;
  // Instead of Begin: a sandbox around this one listens already, and there is one listener for a
  // chain of filters. The calls are answered by plain errnos, unheard.
  virtual void CannotListen() = 0;
  // No process is left that it could answer, or the sandbox was never complete. May be called
  // again.
  virtual void End() = 0;
};

// Blocks until the program has ended and every process of the sandbox is gone. An error means that
// the program never ran. Signals sent to the caller meanwhile are passed on to the program.
// Without an observer the filters must hand no call to anybody. `decisions` is told what the
// network's gateway decides, where the plan has one.
base::Result<Outcome> Launch(
    const Plan& plan, const FilterSource& filter, CallObserver* observer = nullptr,
    const network::DecisionSink& decisions = [](const network::Decision&) {});

// The same for a program that is not known yet: when every layer is in force and read back, the
// sandbox waits for the customer's command, with the filter attached. The plan's own program and
// environment mean nothing then, and it has no terminal (kUnsupported).
base::Result<Outcome> LaunchFor(Customer& customer, const Plan& plan, const FilterSource& filter,
                                CallObserver* observer = nullptr);

}  // namespace bailey::sandbox
