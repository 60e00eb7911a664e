// bailey run: policy, filter, check, plan, launch, report.
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>

#include "base/text.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/filters_beside.h"
#include "cli/libexec.h"
#include "cli/proved_filters.h"
#include "cli/run_audit.h"
#include "cli/run_command.h"
#include "cli/run_options.h"
#include "cli/run_prepared.h"
#include "cli/run_report.h"
#include "cli/scope.h"
#include "os/start_heap.h"
#include "sandbox/launch.h"

namespace bailey::cli {
namespace {

// What planning takes, and what reading back does.
constexpr std::size_t kPlanHeap = 160 << 10, kReadBackHeap = 64 << 10;

std::string DryRun(const policy::Policy& policy, const sandbox::Plan& plan,
                   const std::vector<bpf::Program>& filters) {
  std::string text = fmt::format("{:<12} {}\n{}", "policy", policy.name, sandbox::ToString(plan));
  for (std::size_t i = 0; i < policy.syscalls.stack.size(); ++i)
    text += fmt::format("{:<12} filter of {} instructions, {}\n", "seccomp", filters[i].Size(),
                        base::Escape(policy.syscalls.stack[i].path));
  return text + fmt::format("{:<12} filter of {} instructions, proved equal to the policy\n",
                            "seccomp", filters.back().Size());
}

// The sandbox was not built: whatever the reason, the program did not run.
int NoSandbox(const base::Error& error) {
  (void)Fail("run", error);
  return kNoSandbox;
}

int RunAnew(const RunOptions& options, const policy::Context& context, char** argv) {
  os::PopulateStartHeap();
  const auto policy = LoadPolicy(options.sandbox, context);
  if (!policy) return NoSandbox(policy.error());
  if (!options.dry_run) MoveToScope(policy->limits, options.sandbox.without, argv);
  const bool listened = IsListenedTo(*policy);
  FiltersBeside beside(*policy, listened);
  os::RenewStartHeap(kPlanHeap);
  const auto plan = PlanSandbox(*policy, options.sandbox, context, options.program);
  if (!plan) return NoSandbox(plan.error());
  if (options.dry_run) {
    const auto filters = beside.Take();
    if (!filters) return NoSandbox(filters.error());
    fmt::print("{}", DryRun(*policy, *plan, *filters));
    return kYes;
  }
  const auto report = Report::Open(options);
  if (!report) return NoSandbox(report.error());
  const auto audit = RunAudit::Open(*policy, *plan);
  if (!audit) return NoSandbox(audit.error());
  if (*audit) (*audit)->NoteStart();
  sandbox::CallObserver* const observer = *audit ? (*audit)->Observer() : nullptr;
  network::Refusals refusals;
  const auto outcome = sandbox::Launch(
      *plan,
      [&] {
        os::RenewStartHeap(kReadBackHeap);
        // Asked again, the host may answer otherwise: nobody would listen to a filter that asks.
        return listened == (observer != nullptr) ? beside.Take()
                                                 : ProvedFilters(*policy, observer != nullptr);
      },
      observer,
      [&](const network::Decision& decision) {
        if (!decision.allowed) refusals.Add(decision);
        if (*audit) (*audit)->Decided(decision);
      });
  std::optional<AuditReport> audited;
  if (*audit) audited = (*audit)->Close(outcome, report->IsWanted());
  if (!outcome) return NoSandbox(outcome.error());
  const std::string said =
      WhatHappened(*plan, *outcome) + WhatWasRefused(refusals) + AuditText(*policy, audited);
  // A standard error that is full or closed takes nothing from the result: fmt::print would throw.
  (void)std::fputs(said.c_str(), stderr);
  if (report->IsWanted() && !report->Write(ReportJson(*policy, *plan, *outcome, audited, refusals)))
    return kNoSandbox;
  return sandbox::ExitStatus(*outcome);
}

// Nothing where no sandbox is prepared for this.
base::Result<std::optional<int>> RunFromPool(const RunOptions& options,
                                             const policy::Context& context) {
  const auto report = Report::Open(options);
  if (!report) return report.error();
  const auto done = RunPrepared(options.sandbox, context, options.program, report->IsWanted());
  if (!done) return done.error();
  if (!*done) return std::nullopt;
  if (report->IsWanted() && !report->Write((*done)->report)) return kNoSandbox;
  return (*done)->exit_status;
}

}  // namespace

int RunRun(int argc, char** argv) {
  RunOptions options;
  if (const auto code = ReadRunOptions(argc, argv, options)) return *code;
  // It links what starting a process is to stay free of.
  if (options.isolation == "microvm") return BecomeFor("vm", "run", argv, kNoSandbox);
  const auto context = CallerContext();
  if (!context) return NoSandbox(context.error());
  // A prepared sandbox writes to the workspace itself.
  if (options.pool && !options.dry_run && !options.sandbox.overlay) {
    const auto done = RunFromPool(options, *context);
    if (!done) return NoSandbox(done.error());
    if (*done) return **done;
  }
  return RunAnew(options, *context, argv);
}

}  // namespace bailey::cli
