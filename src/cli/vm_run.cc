// bailey run --isolation microvm: the same policy, in a machine of the program's own.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/proved_filters.h"
#include "cli/run_command.h"
#include "cli/run_report.h"
#include "cli/vm.h"
#include "image/store.h"
#include "microvm/run.h"
#include "sandbox/kept.h"

namespace bailey::cli {
namespace {

int NoMachine(const base::Error& error) {
  (void)Fail("run", error);
  return kNoSandbox;
}

// bailey-guest lies beside this executable.
base::Result<std::string> FindInit() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::SystemError("find bailey's executable", error.value());
  return (self.parent_path() / "bailey-guest").string();
}

base::Result<sandbox::Plan> PlanSandboxOf(const policy::Policy& policy, const RunOptions& options,
                                          const policy::Context& context) {
  SandboxOptions sandbox = options.sandbox;
  // What is changed comes back through the place where changes are kept.
  sandbox.overlay =
      !policy.filesystem.write.empty() ||
      std::ranges::any_of(policy.filesystem.binds, [](const auto& bind) { return bind.write; });
  return PlanSandbox(microvm::WithoutGuestLimits(policy), sandbox, context, options.program);
}

base::Status CheckOptions(const RunOptions& options) {
  for (const std::string& layer : options.sandbox.without) {
    if (layer == "landlock") continue;
    return base::InvalidInput(
        fmt::format("give up layer \"{}\": a machine keeps it otherwise", base::Escape(layer)));
  }
  if (options.pool) return base::Unsupported("use a pool: there is none of machines");
  if (!options.vmm_directory.empty() && options.vmm != "firecracker")
    return base::InvalidInput("use a directory of firecracker's: say --vmm firecracker as well");
  return image::CheckName("image", options.image);
}

base::Result<int> Run(const RunOptions& options, const policy::Context& context) {
  if (const auto checked = CheckOptions(options); !checked) return checked.error();
  if (!options.id.empty())
    if (const auto checked = image::CheckName("id", options.id); !checked) return checked.error();
  SandboxOptions sandbox_options = options.sandbox;
  // The current directory is carried along only where it is named: it can be large.
  if (sandbox_options.policy.empty()) sandbox_options.policy = "untrusted";
  const auto policy = LoadPolicy(sandbox_options, context);
  if (!policy) return policy.error();
  auto sandbox = PlanSandboxOf(*policy, options, context);
  if (!sandbox) return sandbox.error();
  const auto system = microvm::SystemRoot(*sandbox);
  if (!system) return system.error();
  auto plan = microvm::PlanMachine(*policy, *sandbox, *system);
  if (!plan) return plan.error();
  if (!options.start_timeout.empty()) {
    const auto patience = base::ParseDuration(options.start_timeout);
    if (!patience) return patience.error();
    plan->bounds.patience = *patience;
  }
  const auto filters = ProvedFilters(*policy);
  if (!filters) return filters.error();
  if (options.dry_run) {
    fmt::print(
        "{:<12} {}\n{:<12} {}\n{}{:<12} filter of {} instructions, proved equal to the policy\n",
        "policy", policy->name, "image", options.image, ToString(*plan), "seccomp",
        filters->back().Size());
    if (options.vmm != "firecracker") return kYes;
    const auto requests = microvm::DescribeRequests(*plan);
    if (!requests) return requests.error();
    fmt::print("{}", *requests);
    return kYes;
  }
  const auto report = Report::Open(options);
  if (!report) return report.error();
  const auto init = FindInit();
  if (!init) return init.error();
  microvm::MachineFiles files{options.image, options.kernel, *init, options.id};
  if (options.vmm == "firecracker") files.firecracker = options.vmm_directory;
  auto result = microvm::RunInMachine(
      *plan, *sandbox, files, *filters,
      [](const policy::Policy& one) { return ProvedFilters(one); }, options.sandbox.overlay);
  if (!result) return result.error();
  // What a machine's plan says is in its own words.
  if (!options.sandbox.overlay) sandbox->kept.clear();
  sandbox->notes = plan->notes;
  sandbox->wall = plan->bounds.wall;
  sandbox->output = plan->bounds.output;
  fmt::print(stderr, "{}", WhatHappened(*sandbox, result->outcome));
  if (report->IsWanted() && !report->Write(ReportJson(*policy, *sandbox, result->outcome,
                                                      std::nullopt, {}, result->isolation)))
    return kNoSandbox;
  return sandbox::ExitStatus(result->outcome);
}

}  // namespace

int RunInVm(int argc, char** argv) {
  RunOptions options;
  if (const auto code = ReadRunOptions(argc, argv, options)) return *code;
  const auto context = CallerContext();
  if (!context) return NoMachine(context.error());
  const auto status = Run(options, *context);
  return status ? *status : NoMachine(status.error());
}

}  // namespace bailey::cli
