#include "cli/run_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/libexec.h"
#include "sandbox/kept.h"

namespace bailey::cli {

namespace {

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

}  // namespace

void Describe(Arguments& arguments, SandboxOptions& options) {
  arguments.Value("-p,--policy", options.policy,
                  "a policy file, or a preset (default: untrusted, with the current directory "
                  "readable)");
  arguments.Values("--read", options.overrides.read, "show a path, read-only");
  arguments.Values("--write", options.overrides.write, "show a path, writable");
  arguments.Values("--hide", options.overrides.hide, "hide a path, or what a pattern matches");
  arguments.Values("--tmpfs", options.overrides.tmpfs, "an empty private directory in memory");
  arguments.Values("--bind", options.overrides.binds,
                   "FROM:TO or FROM:TO:write, shown under another name; FROM may be fd:N");
  arguments.Values("--net", options.overrides.network,
                   "none, allow:HOST:PORT (may be repeated), allow (what the policy lists), nat, "
                   "or host");
  arguments.Values("-e,--env", options.environment,
                   "pass a variable (NAME), or set it (NAME=value)");
  arguments.Value("--workdir", options.overrides.workdir, "the program's working directory");
  arguments.Value("--timeout", options.overrides.timeout, "kill the program after this time (30s)");
  arguments.Value("--memory", options.overrides.memory, "for all processes together (512MiB)");
  arguments.Value("--cpu", options.overrides.cpu, "processors' worth of time (1.5)");
  arguments.Value("--pids", options.overrides.processes, "processes and threads");
  arguments.Value("--output", options.overrides.output,
                  "kill the program when it has written so much (64MiB)");
  arguments.Value("--io", options.overrides.io,
                  "read and written of each block device in a second (20MiB)");
  arguments.Values("--allow", options.overrides.allow_syscalls, "allow a system call, or a @group");
  arguments.Values("--deny", options.overrides.deny_syscalls, "deny a system call, or a @group");
  arguments.Value("--audit", options.overrides.audit,
                  "what is noted: none, denied calls, files or network (those and more), or all");
  arguments.Values("--audit-to", options.overrides.audit_to,
                   "where to: store, file:PATH, stdout, unix:PATH, syslog or journald");
  arguments.Values(
      "--without", options.without,
      "give up a layer by name: landlock, namespaces, memory-limit, cpu-limit or io-limit");
}

base::Result<policy::Policy> LoadPolicy(SandboxOptions options, const policy::Context& context) {
  for (const std::string& entry : options.environment) {
    const bool sets = entry.find('=') != std::string::npos;
    (sets ? options.overrides.set_environment : options.overrides.pass_environment)
        .push_back(entry);
  }
  if (options.policy.empty()) {
    options.policy = "untrusted";
    // In "/" there is nothing to grant: the sandbox has a root of its own.
    if (context.current_directory != "/" && options.overrides.write.empty())
      options.overrides.read.push_back(".");
  }
  auto policy = policy::Load(options.policy, context, options.overrides);
  if (policy && std::ranges::count(options.without, "namespaces") > 0)
    if (const auto closed = CloseNetworkByFilter(*policy); !closed) return closed.error();
  return policy;
}

base::Result<sandbox::Plan> PlanSandbox(const policy::Policy& policy, const SandboxOptions& options,
                                        const policy::Context& context,
                                        const std::vector<std::string>& argv) {
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("find out who is calling", caller.error().value);
  sandbox::PlanOptions plan_options;
  plan_options.argv = argv;
  plan_options.current_directory = context.current_directory;
  for (char** entry = environ; *entry; ++entry) plan_options.environment.emplace_back(*entry);
  for (const std::string& name : options.without) {
    const auto layer = sandbox::FindLayer(name);
    if (!layer) {
      return base::InvalidInput(
          fmt::format("give up layer \"{}\": expected landlock, namespaces, memory-limit, "
                      "cpu-limit or io-limit",
                      base::Escape(name)));
    }
    plan_options.without.insert(*layer);
  }
  if (policy.network.mode == policy::NetworkMode::kAllow) {
    auto resolver = FindLibexec("resolve");
    if (!resolver) return resolver.error();
    plan_options.resolver = *std::move(resolver);
  }
  if (options.overlay) {
    const auto place = sandbox::KeptPlace();
    if (!place) return place.error();
    plan_options.kept = fmt::format("{}/{}", *place, sandbox::NewKeptName());
  }
  return sandbox::BuildPlan(policy, *caller, plan_options);
}

}  // namespace bailey::cli
