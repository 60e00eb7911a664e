// A descriptor that is opened here, stays open, and goes along when this function starts the
// program.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kOpens = std::to_array<std::string_view>({"open", "openat", "open64"});
constexpr auto kExecs = std::to_array<std::string_view>(
    {"execv", "execve", "execvp", "execvpe", "execl", "execlp", "execle"});
// After one of these the descriptor does not go along, or somebody means it to.
constexpr auto kAnswers = std::to_array<std::string_view>(
    {"close", "fcntl", "close_range", "closefrom", "dup2", "dup3", "fdwalk", "sendmsg",
     "set_cloexec", "fd_set_cloexec", "xclose", "set_fd_custody", "fexecve", "fdopen"});

}  // namespace

void CheckInheritedDescriptor(const Code& code, Reports& reports) {
  if (code.IsRust()) return;
  for (const Call& call : code.calls()) {
    if (!IsAny(call.name, kOpens) || (call.begin != call.at && !code.Is(call.at - 1, "::")))
      continue;
    if (code.Mentions({call.open, call.close}, "O_CLOEXEC") || call.is_declaration) continue;
    // Flags in a variable may have it.
    const std::size_t flags = call.name == "openat" ? 2 : 1;
    if (call.arguments.size() <= flags) continue;
    const std::string text = code.TextOf(call.arguments[flags]);
    if (text.find("O_") == std::string::npos) continue;
    const ResultUse use = code.UseOf(call);
    if (use.kind != Use::kAssigned || code.Is(use.operator_at - 2, ".") ||
        code.Is(use.operator_at - 2, "->"))
      continue;
    const Function& function = code.functions()[call.function];
    const Range rest{call.close, function.body.end};
    const auto calls = code.CallsIn(rest);
    const auto exec =
        std::ranges::find_if(calls, [](const Call& later) { return IsAny(later.name, kExecs); });
    if (exec == calls.end()) continue;
    const bool answered = std::ranges::any_of(calls, [&](const Call& later) {
      if (later.at > exec->at || !IsAny(later.name, kAnswers)) return false;
      return later.name.find("range") != std::string_view::npos || later.name == "closefrom" ||
             code.Mentions({later.open, later.close}, use.variable);
    });
    // Also: formatted into an argument or the environment of what is started.
    const bool passed = std::ranges::any_of(calls, [&](const Call& later) {
      return later.name.find("printf") != std::string_view::npos &&
             code.Mentions({later.open, later.close}, use.variable);
    });
    if (answered || passed) continue;
    Report report;
    report.vulnerability =
        fmt::format("{} stays open in what {} starts", use.variable, function.name);
    report.reason =
        fmt::format("It is opened without O_CLOEXEC and not closed before {}.", exec->name);
    report.impact =
        "The program in the sandbox holds a descriptor from outside of it: of a directory, "
        "it is a way out.";
    report.fix = "Open it with O_CLOEXEC, and call close_range(3, ~0U, 0) before the exec.";
    report.effect = Severity::kMedium;
    report.at = call.at;
    report.flow = {{call.at, code.TextOf({call.begin, call.close + 1})},
                   {exec->at, code.TextOf({exec->begin, exec->close + 1})}};
    report.matched =
        fmt::format("{}, then {}, with no close of {} between them",
                    code.TextOf({call.begin, call.close + 1}), exec->name, use.variable);
    reports.File(report);
  }
}

}  // namespace bailey::review
