// bailey bwrap: bubblewrap's command line, options to plan to launch.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/proved_filters.h"
#include "compat/bubblewrap_plan.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/terminal.h"

namespace bailey::cli {
namespace {

// What clients ask for: the version whose manual this follows, as that prints it, and ours behind.
constexpr const char* kVersion = "bubblewrap 0.11.1 (bailey " BAILEY_VERSION ")\n";
// Of every failure of its own.
constexpr int kFailed = 1;

class Messages {
 public:
  explicit Messages(bool levels) : levels_(levels) {}
  // Severities of syslog(3).
  void Warn(const std::string& text) const { Print(4, text); }
  int Fail(const std::string& text) const {
    Print(3, text);
    return kFailed;
  }

 private:
  void Print(int level, const std::string& text) const {
    const std::string prefix = levels_ ? fmt::format("<{}>", level) : "";
    fmt::print(stderr, "{}bwrap: {}\n", prefix, text);
  }
  bool levels_;
};

bool WantsLevels(std::span<const std::string> words) {
  return std::ranges::find(words, "--level-prefix") != words.end();
}

base::Result<compat::BubblewrapCaller> FindCaller() {
  compat::BubblewrapCaller caller;
  auto ids = os::CallerIds();
  if (!ids) return base::SystemError("find out who is calling", ids.error().value);
  caller.ids = *std::move(ids);
  const auto permitted = os::PermittedCapabilities();
  if (!permitted) return base::SystemError("capget failed", permitted.error().value);
  caller.permitted_capabilities = *permitted;
  for (char** entry = environ; *entry; ++entry) caller.environment.emplace_back(*entry);
  std::error_code error;
  // Empty where it is gone: the program then starts elsewhere.
  caller.current_directory = std::filesystem::current_path(error).string();
  if (const auto terminal = os::IsTerminal(1); terminal && *terminal) {
    if (auto name = os::ReadLink(AT_FDCWD, "/proc/self/fd/1"); name && name->starts_with("/dev/"))
      caller.terminal = *std::move(name);
  }
  return caller;
}

// The layers of a policy that hold whatever the rest of the command line says.
base::Result<policy::Policy> AddPolicy(const std::string& name,
                                       const compat::BubblewrapCaller& caller,
                                       sandbox::ChosenPlan& plan) {
  const auto context = CallerContext();
  if (!context) return context.error();
  auto policy = policy::Load(name, *context, {});
  if (!policy) return policy;
  const auto ids = os::CurrentCaller();
  if (!ids) return base::SystemError("find out who is calling", ids.error().value);
  auto built = sandbox::BuildPlan(*policy, *ids,
                                  {.argv = {plan.program},
                                   .environment = caller.environment,
                                   .current_directory = context->current_directory,
                                   .without = {}});
  if (!built) return built.error();
  if (built->output) {
    return base::Unsupported(
        fmt::format("add policy {}: its limit of output is not kept here", policy->name));
  }
  const bool has_network = (plan.namespaces & os::kNetworkNamespace) == 0;
  if (has_network && built->namespaces & os::kNetworkNamespace) {
    return base::InvalidInput(fmt::format(
        "add policy {}: it does not grant the caller's network, which --unshare-net takes away",
        policy->name));
  }
  plan.restrictions = sandbox::Restrictions{built->landlock, built->limits, built->wall};
  plan.capabilities &= built->capabilities;
  plan.set_capabilities = true;
  return policy;
}

int Run(const compat::BubblewrapLine& line, const Messages& messages) {
  const auto caller = FindCaller();
  if (!caller) return messages.Fail(base::ToString(caller.error()));
  auto planned = compat::PlanBubblewrap(line, *caller);
  if (!planned) return messages.Fail(base::ToString(planned.error()));
  for (const std::string& warning : planned->warnings) messages.Warn(warning);
  sandbox::ChosenPlan& plan = planned->plan;
  std::optional<policy::Policy> policy;
  if (!planned->policy.empty()) {
    auto added = AddPolicy(planned->policy, *caller, plan);
    if (!added) return messages.Fail(base::ToString(added.error()));
    policy = *std::move(added);
  }
  const auto outcome = sandbox::RunChosen(plan, [&] { return ProvedFilters(*policy); });
  if (!outcome) return messages.Fail(compat::FailureText(plan, outcome.error()));
  if (outcome->time_limit) (void)messages.Fail("the policy's time limit is over");
  return outcome->status;
}

}  // namespace

int RunBwrap(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto request = compat::ReadBubblewrap(words, compat::ReadDescriptor);
  const Messages messages(WantsLevels(words));
  if (!request) return messages.Fail(request.error().text);
  using Kind = compat::BubblewrapRequest::Kind;
  switch (request->kind) {
    case Kind::kHelp:
      fmt::print("{}", compat::BubblewrapHelp());
      return 0;
    case Kind::kVersion:
      fmt::print("{}", kVersion);
      return 0;
    case Kind::kRun:
      break;
  }
  if (request->line.command.empty()) {
    fmt::print(stderr, "{}", compat::BubblewrapHelp());
    return kFailed;
  }
  return Run(request->line, messages);
}

}  // namespace bailey::cli
