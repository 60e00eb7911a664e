// bailey run: policy, filter, check, plan, launch, report.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/proved_filters.h"
#include "cli/run_report.h"
#include "sandbox/launch.h"

namespace bailey::cli {
namespace {

struct RunOptions {
  std::string policy;
  policy::Overrides overrides;
  std::vector<std::string> environment;  // NAME or NAME=value
  std::vector<std::string> without;
  std::vector<std::string> program;
  bool dry_run = false;
  bool json = false;
  std::string json_file;
};

void Describe(CLI::App& app, RunOptions& options) {
  app.description(
      "Runs a program behind the wall that a policy describes.\n"
      "The exit status is the program's own (128+n for signal n), or 124 when its time was over,\n"
      "125 when the sandbox could not be built, 126 or 127 when there was no program to execute.");
  app.name("bailey run");
  app.footer("Then: [--] PROGRAM [ARGUMENTS]");
  app.prefix_command();
  auto many = [&](const char* name, std::vector<std::string>& value, const char* help) {
    app.add_option(name, value, help)->allow_extra_args(false);
  };
  app.add_option("-p,--policy", options.policy,
                 "a policy file, or a preset (default: untrusted, with the current directory "
                 "readable)");
  many("--read", options.overrides.read, "show a path, read-only");
  many("--write", options.overrides.write, "show a path, writable");
  many("--hide", options.overrides.hide, "hide a path, or what a pattern matches");
  many("--tmpfs", options.overrides.tmpfs, "an empty private directory in memory");
  app.add_option("--net", options.overrides.network, "none, or host");
  many("-e,--env", options.environment, "pass a variable (NAME), or set it (NAME=value)");
  app.add_option("--workdir", options.overrides.workdir, "the program's working directory");
  app.add_option("--timeout", options.overrides.timeout, "kill the program after this time (30s)");
  app.add_option("--memory", options.overrides.memory, "for all processes together (512MiB)");
  app.add_option("--cpu", options.overrides.cpu, "processors' worth of time (1.5)");
  app.add_option("--pids", options.overrides.processes, "processes and threads");
  app.add_option("--output", options.overrides.output,
                 "kill the program when it has written so much (64MiB)");
  many("--allow", options.overrides.allow_syscalls, "allow a system call, or a @group");
  many("--deny", options.overrides.deny_syscalls, "deny a system call, or a @group");
  many("--without", options.without,
       "give up a layer by name: landlock, namespaces, memory-limit or cpu-limit");
  app.add_flag("--dry-run", options.dry_run, "print the plan, and run nothing");
  app.add_flag("--json", options.json, "print the result as JSON, after the program's output");
  app.add_option("--json-file", options.json_file, "write the result as JSON to a file");
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

// Where no network namespace is made, no socket but a unix one is: above all that the policy says.
base::Status CloseNetworkByFilter(policy::Policy& policy) {
  if (policy.network.mode != policy::NetworkMode::kNone) return {};
  auto condition = policy::ParseCondition("family != AF_UNIX");
  if (!condition) return condition.error();
  policy::Rule rule;
  rule.syscall = "socket";
  rule.condition = *std::move(condition);
  rule.answer = {abi::ActionKind::kErrno, "EAFNOSUPPORT", 0};
  rule.origin = "without namespaces";
  policy.syscalls.rules.insert(policy.syscalls.rules.begin(), std::move(rule));
  return {};
}

struct Built {
  policy::Policy policy;
  sandbox::Plan plan;
};

base::Result<Built> Build(RunOptions& options) {
  auto context = CallerContext();
  if (!context) return context.error();
  for (const std::string& entry : options.environment) {
    const bool sets = entry.find('=') != std::string::npos;
    (sets ? options.overrides.set_environment : options.overrides.pass_environment)
        .push_back(entry);
  }
  if (options.policy.empty()) {
    options.policy = "untrusted";
    // In "/" there is nothing to grant: the sandbox has a root of its own.
    if (context->current_directory != "/" && options.overrides.write.empty())
      options.overrides.read.push_back(".");
  }
  Built built;
  auto policy = policy::Load(options.policy, *context, options.overrides);
  if (!policy) return policy.error();
  built.policy = std::move(*policy);
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("find out who is calling", caller.error().value);
  sandbox::PlanOptions plan_options;
  plan_options.argv = options.program;
  plan_options.current_directory = context->current_directory;
  for (char** entry = environ; *entry; ++entry) plan_options.environment.emplace_back(*entry);
  for (const std::string& name : options.without) {
    const auto layer = sandbox::FindLayer(name);
    if (!layer) {
      return base::InvalidInput(
          fmt::format("give up layer \"{}\": expected landlock, namespaces, memory-limit or "
                      "cpu-limit",
                      base::Escape(name)));
    }
    plan_options.without.insert(*layer);
  }
  if (plan_options.without.contains(sandbox::Layer::kNamespaces)) {
    if (const auto closed = CloseNetworkByFilter(built.policy); !closed) return closed.error();
  }
  auto plan = sandbox::BuildPlan(built.policy, *caller, plan_options);
  if (!plan) return plan.error();
  built.plan = std::move(*plan);
  return built;
}

void SayWhatHappened(const sandbox::Plan& plan, const sandbox::Outcome& outcome) {
  using Kind = sandbox::Outcome::Kind;
  if (outcome.kind == Kind::kTimeLimit && plan.wall) {
    fmt::print(stderr, "bailey run: stop {}: its time limit of {} ms is over\n", plan.argv[0],
               plan.wall->count());
  }
  if (outcome.kind == Kind::kMemoryLimit)
    fmt::print(stderr, "bailey run: {} was killed: its memory limit was reached\n", plan.argv[0]);
  if (outcome.kind == Kind::kOutputLimit && plan.output) {
    fmt::print(stderr, "bailey run: stop {}: it has written more than its limit of {} bytes\n",
               plan.argv[0], *plan.output);
  }
  if (!outcome.detail.empty()) fmt::print(stderr, "bailey run: {}\n", outcome.detail);
}

// The sandbox was not built: whatever the reason, the program did not run.
int NoSandbox(const base::Error& error) {
  (void)Fail("run", error);
  return kNoSandbox;
}

}  // namespace

int RunRun(int argc, char** argv) {
  RunOptions options;
  CLI::App app;
  Describe(app, options);
  SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = ParseArguments(app, "run", words.options, kNoSandbox)) return *code;
  options.program = app.remaining();
  if (!options.program.empty() && options.program[0].starts_with('-')) {
    return NoSandbox(base::InvalidInput(fmt::format(
        "read option {}: unknown (see `bailey run --help`)", base::Escape(options.program[0]))));
  }
  options.program.insert(options.program.end(), words.program.begin(), words.program.end());
  if (options.program.empty())
    return NoSandbox(base::InvalidInput("start program: none is named (see `bailey run --help`)"));
  auto built = Build(options);
  if (!built) return NoSandbox(built.error());
  if (options.dry_run) {
    const auto filters = ProvedFilters(built->policy);
    if (!filters) return NoSandbox(filters.error());
    fmt::print("{}", DryRun(built->policy, built->plan, *filters));
    return kYes;
  }
  // Opened first: a report that cannot be written is found out before the program runs.
  std::FILE* report = options.json ? stdout : nullptr;
  if (!options.json_file.empty()) {
    report = std::fopen(options.json_file.c_str(), "we");
    if (!report) return NoSandbox(base::SystemError("open " + options.json_file, errno));
  }
  const auto outcome = sandbox::Launch(built->plan, [&] { return ProvedFilters(built->policy); });
  if (!outcome) return NoSandbox(outcome.error());
  SayWhatHappened(built->plan, *outcome);
  if (report) {
    fmt::print(report, "{}\n", ReportJson(built->policy, built->plan, *outcome));
    if (std::fflush(report) != 0) {
      std::perror("bailey run: write the report");
      return kNoSandbox;
    }
  }
  return sandbox::ExitStatus(*outcome);
}

}  // namespace bailey::cli
