#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kMoves = std::to_array<std::string_view>({"chdir", "fchdir", "set_current_dir",
                                                         "SYS_chdir", "__NR_chdir", "current_dir",
                                                         "xchdir", "safe_chdir", "chdir_dir"});

bool Moves(const Code& code, Range range) {
  return std::ranges::any_of(kMoves,
                             [&](std::string_view name) { return code.Mentions(range, name); });
}

// A move before it counts unless it goes to another directory, that is named in place.
bool MovedThere(const Code& code, const Call& call, const Function& function) {
  const std::string root =
      call.arguments.empty() ? std::string() : code.TextOf(call.arguments.front());
  for (const Call& before : code.CallsIn({function.body.begin, call.at})) {
    if (!IsAny(before.name, kMoves)) continue;
    // A directory in a variable may be one of the new root's.
    const std::string there =
        before.arguments.empty() ? std::string() : code.TextOf(before.arguments.front());
    if (root == "\".\"" || !there.starts_with('"') || there == root) return true;
  }
  return false;
}

// Whether a caller in this file moves on.
bool CallerMoves(const Code& code, const Function& function) {
  return std::ranges::any_of(code.Places(function.name), [&](Index at) {
    const Function* caller = code.FunctionOf(at);
    return caller != nullptr && caller != &function && Moves(code, caller->body);
  });
}

}  // namespace

void CheckChrootWithoutChdir(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    const Function& function = code.functions()[call.function];
    if (call.name != "chroot" || call.is_declaration || code.Is(call.at - 1, ".") ||
        code.Is(call.at - 1, "->") || !code.FunctionsNamed("chroot").empty())
      continue;
    // A wrapper hands the decision to its caller.
    if (code.Is(call.begin - 1, "return") || Moves(code, {call.close, function.body.end}) ||
        MovedThere(code, call, function) || CallerMoves(code, function))
      continue;
    if (code.IsRust() && code.CallsIn(function.body).size() < 2) continue;
    Report report;
    report.vulnerability = fmt::format("chroot without chdir in {}", function.name);
    report.reason =
        "chroot does not move the working directory: it stays outside, and \"..\" leads "
        "on from there.";
    report.impact = "What runs after it opens every file of the host by a relative path.";
    report.fix = "if (chdir(root) != 0 || chroot(\".\") != 0 || chdir(\"/\") != 0) return -1;";
    report.effect = Severity::kHigh;
    report.at = call.at;
    report.flow = {{call.at, code.TextOf({call.begin, call.close + 1})}};
    report.matched = fmt::format("{}, and no chdir or fchdir behind it in {}",
                                 code.TextOf({call.begin, call.close + 1}), function.name);
    reports.File(report);
  }
}

}  // namespace bailey::review
