// What a program in a machine is started with, as the options of `bailey run` say it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/run_options.h"
#include "microvm/plan.h"
#include "microvm/vmm.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "sandbox/plan.h"

namespace bailey::cli {

struct MachineStart {
  policy::Policy policy;
  sandbox::Plan sandbox;
  microvm::MachinePlan plan;
};

// `start_timeout`: empty for the usual one.
base::Result<MachineStart> PlanMachineStart(const SandboxOptions& options,
                                            const std::vector<std::string>& program,
                                            const std::string& start_timeout,
                                            const policy::Context& context);
// What names the policy of a pool of machines.
base::Result<std::string> MachinePolicyKey(const SandboxOptions& options,
                                           const policy::Context& context);
// The first process of a machine, which lies beside this executable.
base::Result<std::string> FindInit();
// Of what the machine monitor itself runs in.
microvm::Prover MonitorProver();

}  // namespace bailey::cli
