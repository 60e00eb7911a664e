// A command that somebody else chose, behind the options of the program that confines it, without
// "--" between them: a command that begins with "--" is an option.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kConfiners = std::to_array<std::string_view>(
    {"bwrap", "firejail", "nsjail", "systemd-run", "flatpak-spawn"});
constexpr auto kForeign = std::to_array<std::string_view>(
    {"command", "cmd", "program", "executable", "argv", "tool", "entrypoint"});
constexpr auto kAdds =
    std::to_array<std::string_view>({"push_back", "emplace_back", "push", "arg", "args", "extend",
                                     "append", "insert", "g_ptr_array_add"});

// Where the function names the program: "bwrap", "/usr/bin/bwrap".
Index ConfinerIn(const Code& code, Range body) {
  for (Index at = body.begin; at < body.end; ++at) {
    if (!code.IsKind(at, TokenKind::kString)) continue;
    const std::string text = code.StringsIn({at, at + 1});
    if (IsAny(std::string_view(text).substr(text.rfind('/') + 1), kConfiners)) return at;
  }
  return kNowhere;
}

bool HasEnd(const Code& code, Range body) {
  for (Index at = body.begin; at < body.end; ++at) {
    if (code.IsKind(at, TokenKind::kString) && code.StringsIn({at, at + 1}) == "--") return true;
  }
  return false;
}

// The command among what is added: the whole argument, or a member of something.
std::string_view CommandIn(const Code& code, const Call& call) {
  if (call.arguments.empty()) return {};
  const Range argument = call.arguments.back();
  std::string_view name;
  for (Index at = argument.begin; at < argument.end; ++at) {
    if (code.IsKind(at, TokenKind::kString)) return {};
    if (code.IsKind(at, TokenKind::kName) && !code.Is(at + 1, "(")) name = code.At(at);
  }
  return HasWord(name, kForeign) ? name : std::string_view();
}

}  // namespace

void CheckOptionInjection(const Code& code, Reports& reports) {
  for (const Function& function : code.functions()) {
    const Index confiner = ConfinerIn(code, function.body);
    if (confiner == kNowhere || HasEnd(code, function.body)) continue;
    for (const Call& call : code.CallsIn({confiner, function.body.end})) {
      if (!IsAny(call.name, kAdds)) continue;
      const std::string_view name = CommandIn(code, call);
      if (name.empty()) continue;
      const std::string program = code.StringsIn({confiner, confiner + 1});
      Report report;
      report.vulnerability = fmt::format("{} can be an option of {}: no \"--\" before it in {}",
                                         name, program, function.name);
      report.reason = fmt::format(
          "{} reads options until the first argument that is none; {} follows its options "
          "directly.",
          program, name);
      report.impact =
          "Who names the command adds options to the sandbox: a command called --bind opens a "
          "directory of the host.";
      report.fix = fmt::format("Add \"--\" before {}.", name);
      report.effect = Severity::kMedium;
      report.at = call.at;
      report.flow = {{confiner, fmt::format("the arguments of {} begin", program)},
                     {call.at, code.TextOf({call.begin, call.close + 1})}};
      report.matched = fmt::format("{}, and no \"--\" in {}",
                                   code.TextOf({call.begin, call.close + 1}), function.name);
      reports.File(report);
      break;
    }
  }
}

}  // namespace bailey::review
