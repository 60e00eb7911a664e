#include "cli/vm_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/text.h"
#include "cli/pool_recipe.h"
#include "cli/proved_filters.h"

namespace bailey::cli {
namespace {

// The current directory is carried along only where it is named: it can be large.
SandboxOptions WithPolicy(SandboxOptions options) {
  if (options.policy.empty()) options.policy = "untrusted";
  return options;
}

base::Result<sandbox::Plan> PlanSandboxOf(const policy::Policy& policy, SandboxOptions options,
                                          const std::vector<std::string>& program,
                                          const policy::Context& context) {
  // What is changed comes back through the place where changes are kept.
  options.overlay =
      !policy.filesystem.write.empty() ||
      std::ranges::any_of(policy.filesystem.binds, [](const auto& bind) { return bind.write; });
  return PlanSandbox(microvm::WithoutGuestLimits(policy), options, context, program);
}

}  // namespace

base::Result<MachineStart> PlanMachineStart(const SandboxOptions& options,
                                            const std::vector<std::string>& program,
                                            const std::string& start_timeout,
                                            const policy::Context& context) {
  for (const std::string& layer : options.without) {
    if (layer == "landlock") continue;
    return base::InvalidInput(
        fmt::format("give up layer \"{}\": a machine keeps it otherwise", base::Escape(layer)));
  }
  auto policy = LoadPolicy(WithPolicy(options), context);
  if (!policy) return policy.error();
  auto sandbox = PlanSandboxOf(*policy, options, program, context);
  if (!sandbox) return sandbox.error();
  const auto system = microvm::SystemRoot(*sandbox);
  if (!system) return system.error();
  auto plan = microvm::PlanMachine(*policy, *sandbox, *system);
  if (!plan) return plan.error();
  if (!start_timeout.empty()) {
    const auto patience = base::ParseDuration(start_timeout);
    if (!patience) return patience.error();
    plan->bounds.patience = *patience;
  }
  return MachineStart{*std::move(policy), *std::move(sandbox), *std::move(plan)};
}

base::Result<std::string> MachinePolicyKey(const SandboxOptions& options,
                                           const policy::Context& context) {
  return PoolKey(WithPolicy(options), context);
}

base::Result<std::string> FindInit() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::SystemError("find bailey's executable", error.value());
  return (self.parent_path() / "bailey-guest").string();
}

microvm::Prover MonitorProver() {
  return [](const policy::Policy& policy) { return ProvedFilters(policy); };
}

}  // namespace bailey::cli
