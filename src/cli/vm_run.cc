// bailey run --isolation microvm: the same policy, in a machine of the program's own.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>

#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/denials.h"
#include "cli/proved_filters.h"
#include "cli/run_audit.h"
#include "cli/run_command.h"
#include "cli/run_report.h"
#include "cli/vm.h"
#include "cli/vm_start.h"
#include "image/store.h"
#include "microvm/ready.h"
#include "microvm/run.h"
#include "pool/control.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

// After so long a machine of one's own is there as soon.
constexpr std::chrono::seconds kPatience{10};
// Single calls that are told of at once: as many as a trail takes.
constexpr std::uint32_t kBurst = 1000;

int NoMachine(const base::Error& error) {
  (void)Fail("run", error);
  return kNoSandbox;
}

// A machine that is ready, if a pool has one that does for this.
base::Result<std::optional<microvm::ReadyMachine>> FindReady(const RunOptions& options,
                                                             const policy::Context& context,
                                                             const microvm::MachinePlan& plan,
                                                             const microvm::MachineFiles& files) {
  const auto directory = pool::OpenDirectory(false, pool::kMachines);
  if (!directory && directory.error().code == base::ErrorCode::kViolation) return directory.error();
  if (!directory) return std::nullopt;
  const auto names = pool::Names(*directory);
  if (!names) return names.error();
  const auto contents = microvm::ContentsKey(files);
  if (!contents) return contents.error();
  const auto policy = MachinePolicyKey(options.sandbox, context);
  if (!policy) return policy.error();
  const microvm::Shape needed = {plan.memory_mib, plan.carried.size()};
  for (const std::string& name : microvm::FindFitting(*names, *contents, needed, *policy)) {
    auto ready = microvm::ReadyMachine::Take(*directory, name, *contents, kPatience);
    if (!ready || *ready) return ready;
  }
  return std::nullopt;
}

// The guest answers what the program is denied, and tells of it. `audit`: none where nothing is
// audited.
base::Result<microvm::MachineOutcome> RunHeard(const MachineStart& start,
                                               const microvm::MachineFiles& files,
                                               const std::vector<bpf::Program>& filters, bool keep,
                                               std::optional<microvm::ReadyMachine> ready,
                                               RunAudit* audit, network::Refusals& refusals) {
  const policy::Policy& policy = start.policy;
  microvm::Hearing hearing;
  hearing.decided = [&refusals, audit](const network::Decision& decision) {
    if (!decision.allowed) refusals.Add(decision);
    if (audit != nullptr) audit->Decided(decision);
  };
  std::optional<microvm::CallLog> calls;
  if (audit != nullptr) {
    audit->NoteStart();
    hearing.greeted = [audit](const std::string& isolation) { audit->SetIsolation(isolation); };
  }
  if (audit != nullptr && IsListenedToInMachine(policy)) {
    const auto rate = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(policy.audit.rate, std::numeric_limits<std::uint32_t>::max()));
    calls.emplace(microvm::CallLog::Options{.trail = &audit->Trail(),
                                            .explain =
                                                [&policy](const bpf::SeccompData& call) {
                                                  return RuleOf(policy.syscalls, call);
                                                },
                                            .rate = {rate, kBurst},
                                            .files = audit->Files(),
                                            .network = policy.audit.network},
                  filters.back());
    hearing.calls = &*calls;
  }
  auto done = microvm::RunInMachine(start.plan, start.sandbox, files, filters, MonitorProver(),
                                    keep, hearing, std::move(ready));
  if (calls) audit->TakeHeard(calls->Heard(), calls->Missed().unanswered, calls->Missed().dropped);
  return done;
}

base::Result<sandbox::Outcome> OutcomeOf(const base::Result<microvm::MachineOutcome>& done) {
  if (!done) return done.error();
  return done->outcome;
}

base::Result<int> PrintPlan(const RunOptions& options, const MachineStart& start) {
  const auto filters = ProvedFilters(start.policy, IsListenedToInMachine(start.policy));
  if (!filters) return filters.error();
  fmt::print(
      "{:<12} {}\n{:<12} {}\n{}{:<12} filter of {} instructions, proved equal to the policy\n",
      "policy", start.policy.name, "image", options.image, ToString(start.plan), "seccomp",
      filters->back().Size());
  if (options.vmm != "firecracker") return kYes;
  const auto requests = microvm::DescribeRequests(start.plan);
  if (!requests) return requests.error();
  fmt::print("{}", *requests);
  return kYes;
}

base::Result<int> Run(const RunOptions& options, const policy::Context& context) {
  if (const auto checked = image::CheckName("image", options.image); !checked)
    return checked.error();
  if (!options.vmm_directory.empty() && options.vmm != "firecracker")
    return base::InvalidInput("use a directory of firecracker's: say --vmm firecracker as well");
  if (!options.id.empty())
    if (const auto checked = image::CheckName("id", options.id); !checked) return checked.error();
  auto start = PlanMachineStart(options.sandbox, options.program, options.start_timeout, context);
  if (!start) return start.error();
  if (options.dry_run) return PrintPlan(options, *start);
  const auto init = FindInit();
  if (!init) return init.error();
  microvm::MachineFiles files{options.image, options.kernel, *init, options.id, {}};
  if (options.vmm == "firecracker") files.firecracker = options.vmm_directory;
  const bool uses_pool = options.pool && !files.firecracker;
  // Taken first: its guest answers while the filters are proved.
  auto ready = uses_pool && !start->plan.network
                   ? FindReady(options, context, start->plan, files)
                   : base::Result<std::optional<microvm::ReadyMachine>>(std::nullopt);
  if (!ready) return ready.error();
  const auto filters = ProvedFilters(start->policy, IsListenedToInMachine(start->policy));
  if (!filters) return filters.error();
  const auto report = Report::Open(options);
  if (!report) return report.error();
  const auto audit = RunAudit::OpenForMachine(start->policy, start->sandbox);
  if (!audit) return audit.error();
  network::Refusals refusals;
  auto done = RunHeard(*start, files, *filters, options.sandbox.overlay, *std::move(ready),
                       audit->get(), refusals);
  std::optional<AuditReport> audited;
  if (*audit) audited = (*audit)->Close(OutcomeOf(done), report->IsWanted());
  if (!done) return done.error();
  const microvm::MachineOutcome& result = *done;
  // What a machine's plan says is in its own words.
  sandbox::Plan& sandbox = start->sandbox;
  if (!options.sandbox.overlay) sandbox.kept.clear();
  sandbox.notes = start->plan.notes;
  sandbox.wall = start->plan.bounds.wall;
  sandbox.output = start->plan.bounds.output;
  fmt::print(stderr, "{}{}{}", WhatHappened(sandbox, result.outcome), WhatWasRefused(refusals),
             AuditText(start->policy, audited));
  if (report->IsWanted() && !report->Write(ReportJson(start->policy, sandbox, result.outcome,
                                                      audited, refusals, result.isolation)))
    return kNoSandbox;
  return sandbox::ExitStatus(result.outcome);
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
