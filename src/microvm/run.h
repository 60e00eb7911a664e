// Starts a machine for one program, and unmakes everything of it.
#pragma once

#include <string>

#include "base/result.h"
#include "microvm/plan.h"
#include "microvm/vmm.h"
#include "sandbox/changes.h"

namespace bailey::microvm {

struct MachineFiles {
  std::string image;   // by name
  std::string kernel;  // a directory; empty: the installed one
  std::string init;    // the first process's executable
  std::string id;      // empty: made up
};

struct MachineOutcome {
  sandbox::Outcome outcome;
  std::string isolation;  // "microvm (qemu, tcg)": said only after the guest's greeting
};

// `filters`: the program's, proved. `keep`: changes stay aside, under the plan's name for them.
// An error means that the program never ran, or that what became of it cannot be told.
base::Result<MachineOutcome> RunInMachine(MachinePlan plan, const sandbox::Plan& sandbox,
                                          const MachineFiles& files,
                                          const std::vector<bpf::Program>& filters,
                                          const Prover& prover, bool keep);

}  // namespace bailey::microvm
