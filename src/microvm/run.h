// Starts a machine for one program, and unmakes everything of it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "microvm/files.h"
#include "microvm/plan.h"
#include "microvm/ready.h"
#include "microvm/vmm.h"
#include "sandbox/changes.h"

namespace bailey::microvm {

// What Firecracker would be asked for this machine, a line each.
base::Result<std::string> DescribeRequests(const MachinePlan& plan);

struct MachineOutcome {
  sandbox::Outcome outcome;
  // "microvm (qemu, tcg)", "microvm (firecracker, kvm)": said only after the guest's greeting.
  std::string isolation;
};

// Who hears of what happens in the machine.
struct Hearing {
  CallLog* calls = nullptr;  // none: the newest filter hands no call to anybody
  // What the gateway of the machine's network decides.
  network::DecisionSink decided = [](const network::Decision&) {};
  // With the outcome's words for the isolation, before the program starts.
  std::function<void(const std::string&)> greeted = [](const std::string&) {};
};

// `filters`: the program's, proved. `keep`: changes stay aside, under the plan's name for them.
// `ready`: a machine of a pool, in place of a new one.
// An error means that the program never ran, or that what became of it cannot be told.
base::Result<MachineOutcome> RunInMachine(MachinePlan plan, const sandbox::Plan& sandbox,
                                          const MachineFiles& files,
                                          const std::vector<bpf::Program>& filters,
                                          const Prover& prover, bool keep, const Hearing& hearing,
                                          std::optional<ReadyMachine> ready = std::nullopt);

}  // namespace bailey::microvm
