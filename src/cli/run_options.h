// The options that say which sandbox, shared by the commands that start programs in one, and what
// is made of them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "sandbox/plan.h"

namespace bailey::cli {

struct SandboxOptions {
  std::string policy;
  policy::Overrides overrides;
  std::vector<std::string> environment;  // NAME or NAME=value
  std::vector<std::string> without;
  bool overlay = false;  // keep changes aside
};

void Describe(Arguments& arguments, SandboxOptions& options);

// The policy that the options name; without one, untrusted with the current directory readable.
base::Result<policy::Policy> LoadPolicy(SandboxOptions options, const policy::Context& context);
base::Result<sandbox::Plan> PlanSandbox(const policy::Policy& policy, const SandboxOptions& options,
                                        const policy::Context& context,
                                        const std::vector<std::string>& argv);

}  // namespace bailey::cli
