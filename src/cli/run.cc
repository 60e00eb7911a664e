// bailey run: policy, filter, check, plan, launch, report.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/proved_filters.h"
#include "cli/run_audit.h"
#include "cli/run_options.h"
#include "cli/run_prepared.h"
#include "cli/run_report.h"
#include "sandbox/launch.h"

namespace bailey::cli {
namespace {

struct RunOptions {
  SandboxOptions sandbox;
  std::vector<std::string> program;
  bool dry_run = false;
  bool pool = false;
  bool json = false;
  std::string json_file;
  std::optional<std::uint64_t> json_descriptor;
};

constexpr char kDescription[] =
    "Runs a program behind the wall that a policy describes.\n"
    "The exit status is the program's own (128+n for signal n), or 124 when its time was over,\n"
    "125 when the sandbox could not be built, 126 or 127 when there was no program to execute.";

void Describe(Arguments& arguments, RunOptions& options) {
  arguments.EndsInProgram("Then: [--] PROGRAM [ARGUMENTS]");
  Describe(arguments, options.sandbox);
  arguments.Flag("--overlay", options.sandbox.overlay,
                 "keep changes of what is writable aside, for `bailey changes`");
  arguments.Flag("--dry-run", options.dry_run, "print the plan, and run nothing");
  arguments.Flag("--pool", options.pool,
                 "use a sandbox that `bailey pool` has prepared, where there is one");
  arguments.Flag("--json", options.json, "print the result as JSON, after the program's output");
  arguments.Value("--json-file", options.json_file, "write the result as JSON to a file");
  arguments.Value("--json-fd", options.json_descriptor,
                  "write the result as JSON to this open descriptor");
}

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

// Where the result goes as JSON, if it was asked for.
class Report {
 public:
  // Opened first: a report that cannot be written is found out before the program runs.
  static base::Result<Report> Open(const RunOptions& options) {
    Report report;
    report.file_ = options.json ? stdout : nullptr;
    if (!options.json_file.empty()) {
      report.file_ = std::fopen(options.json_file.c_str(), "we");
      if (!report.file_) return base::SystemError("open " + options.json_file, errno);
    }
    if (options.json_descriptor) {
      const std::uint64_t number = *options.json_descriptor;
      const bool fits = number <= std::numeric_limits<int>::max();
      report.file_ = fits ? ::fdopen(static_cast<int>(number), "w") : nullptr;
      if (!report.file_) {
        return base::SystemError(fmt::format("write report to descriptor {}", number),
                                 fits ? errno : EBADF);
      }
    }
    return report;
  }

  bool IsWanted() const { return file_ != nullptr; }
  // False, and said, where it could not be written.
  bool Write(const std::string& text) const {
    fmt::print(file_, "{}\n", text);
    if (std::fflush(file_) == 0) return true;
    std::perror("bailey run: write the report");
    return false;
  }

 private:
  std::FILE* file_ = nullptr;
};

// With the program, which stands behind the options.
base::Result<RunOptions> WithProgram(RunOptions options, const Arguments& arguments,
                                     const std::vector<std::string>& behind_dashes) {
  options.program = arguments.Program();
  if (!options.program.empty() && options.program[0].starts_with('-')) {
    return base::InvalidInput(fmt::format("read option {}: unknown (see `bailey run --help`)",
                                          base::Escape(options.program[0])));
  }
  options.program.insert(options.program.end(), behind_dashes.begin(), behind_dashes.end());
  if (options.program.empty())
    return base::InvalidInput("start program: none is named (see `bailey run --help`)");
  return options;
}

int RunAnew(const RunOptions& options, const policy::Context& context) {
  const auto policy = LoadPolicy(options.sandbox, context);
  if (!policy) return NoSandbox(policy.error());
  const auto plan = PlanSandbox(*policy, options.sandbox, context, options.program);
  if (!plan) return NoSandbox(plan.error());
  if (options.dry_run) {
    const auto filters = ProvedFilters(*policy, IsListenedTo(*policy));
    if (!filters) return NoSandbox(filters.error());
    fmt::print("{}", DryRun(*policy, *plan, *filters));
    return kYes;
  }
  const auto report = Report::Open(options);
  if (!report) return NoSandbox(report.error());
  const auto audit = RunAudit::Open(*policy, *plan);
  if (!audit) return NoSandbox(audit.error());
  sandbox::CallObserver* const observer = *audit ? (*audit)->Observer() : nullptr;
  network::Refusals refusals;
  const auto outcome = sandbox::Launch(
      *plan, [&] { return ProvedFilters(*policy, observer != nullptr); }, observer,
      [&](const network::Decision& decision) {
        if (!decision.allowed) refusals.Add(decision);
        if (*audit) (*audit)->Decided(decision);
      });
  std::optional<AuditReport> audited;
  if (*audit) audited = (*audit)->Close(outcome);
  if (!outcome) return NoSandbox(outcome.error());
  fmt::print(stderr, "{}{}{}", WhatHappened(*plan, *outcome), WhatWasRefused(refusals),
             AuditText(*policy, audited));
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
  RunOptions described;
  Arguments arguments("run", kDescription);
  Describe(arguments, described);
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kNoSandbox)) return *code;
  const auto options = WithProgram(std::move(described), arguments, words.program);
  if (!options) return NoSandbox(options.error());
  const auto context = CallerContext();
  if (!context) return NoSandbox(context.error());
  // A prepared sandbox writes to the workspace itself.
  if (options->pool && !options->dry_run && !options->sandbox.overlay) {
    const auto done = RunFromPool(*options, *context);
    if (!done) return NoSandbox(done.error());
    if (*done) return **done;
  }
  return RunAnew(*options, *context);
}

}  // namespace bailey::cli
