// A command line for a shell with a value formatted into it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_flow.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kShells = std::to_array<std::string_view>(
    {"sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash", "dash", "/bin/dash"});
constexpr auto kExecs = std::to_array<std::string_view>({"execl", "execlp", "execle"});
constexpr auto kRunsShell = std::to_array<std::string_view>({"system", "popen"});
constexpr auto kQuotes =
    std::to_array<std::string_view>({"quote", "quoted", "escape", "escaped", "shlex", "sanitize",
                                     "sanitise", "shell_words", "valid", "validate"});
constexpr auto kNumbers = std::to_array<std::string_view>(
    {"u8",    "u16",    "u32",      "u64",        "usize", "i32",      "i64",
     "isize", "pid_t",  "uid_t",    "gid_t",      "int",   "unsigned", "long",
     "Pid",   "IpAddr", "Ipv4Addr", "SocketAddr", "bool",  "size_t"});

bool IsQuoted(const Code& code, Range range) {
  for (Index at = range.begin; at < range.end; ++at) {
    if (code.IsKind(at, TokenKind::kName) && HasWord(code.At(at), kQuotes)) return true;
  }
  return false;
}

bool IsNumber(const Code& code, const Function& function, std::string_view name) {
  for (const Parameter& parameter : function.parameters) {
    if (parameter.name != name) continue;
    const bool text =
        code.Mentions(parameter.declaration, "char") || code.Mentions(parameter.declaration, "str");
    return !text && std::ranges::any_of(kNumbers, [&](std::string_view type) {
      return code.Mentions(parameter.declaration, type);
    });
  }
  return false;
}

// Every value that it takes in the function is a string or a constant of the program's own.
bool IsOwnText(const Code& code, const Function& function, std::string_view name) {
  for (const Index at : code.Places(name)) {
    // static const char* const kRules[] = {"...", "..."};
    const Range value{at, code.StatementOf(at).end};
    if (code.Around(at) == kNowhere && at < function.head.begin &&
        (code.Is(at + 1, "[") || code.Is(at + 1, "=")) && !code.StringsIn(value).empty())
      return true;
  }
  bool assigned = false;
  for (const Assignment& assignment : code.AssignmentsIn(function.body)) {
    if (assignment.target != name) continue;
    for (Index at = assignment.value.begin; at < assignment.value.end; ++at) {
      if (!code.IsKind(at, TokenKind::kName)) continue;
      const bool lower =
          std::ranges::any_of(code.At(at), [](char c) { return c >= 'a' && c <= 'z'; });
      if (lower && !code.Is(at, "nullptr")) return false;
      assigned |= !lower;
    }
    for (Index at = assignment.value.begin; at < assignment.value.end; ++at)
      assigned |= code.IsKind(at, TokenKind::kString);
  }
  return assigned;
}

// A name that is text and comes from elsewhere, among what is formatted or added; empty for none.
std::string_view TextIn(const Code& code, const Function& function, const Format& format) {
  if (!code.IsRust() && format.text.find("%s") == std::string::npos &&
      format.text.find('{') == std::string::npos)
    return {};
  for (const Range argument : format.arguments) {
    if (IsQuoted(code, argument)) return {};
  }
  for (const Range argument : format.arguments) {
    std::string_view name;
    for (Index at = argument.begin; at < argument.end; ++at) {
      if (code.Is(at, "[") && code.Partner(at) != kNowhere) at = code.Partner(at);
      if (code.IsKind(at, TokenKind::kName)) name = code.At(at);
      if (!code.IsRust() || !code.IsKind(at, TokenKind::kString)) continue;
      for (const std::string_view named : NamesInFormat(code.At(at))) {
        if (!IsNumber(code, function, named)) return named;
      }
    }
    // CONSTANTS are the program's own.
    const bool constant =
        !name.empty() && std::ranges::none_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
    if (!name.empty() && !constant && !IsNumber(code, function, name) &&
        !IsOwnText(code, function, name))
      return name;
  }
  return {};
}

// What is formatted into a value: in place, in its assignment, or into its buffer.
struct Hole {
  std::string_view name;
  Index at = 0;
};

Hole Direct(const Code& code, const Function& function, Range range) {
  if (IsQuoted(code, range)) return {};
  for (const Call& call : code.CallsIn(range)) {
    const auto format = FormatOf(code, call);
    if (!format || !format->target.empty()) continue;
    const std::string_view name = TextIn(code, function, *format);
    if (!name.empty()) return {name, call.at};
  }
  // "cmd " + id, "cmd " + std::string(id)
  for (Index at = range.begin; !code.IsRust() && at < range.end; ++at) {
    if (!code.Is(at, "+") || code.StringsIn(range).empty()) continue;
    Index right = at + 1;
    while (code.Is(right + 1, "::")) right += 2;
    if (code.Is(right + 1, "(") && code.IsKind(right + 2, TokenKind::kName)) right += 2;
    for (const Index side : {right, at - 1}) {
      if (side < range.begin || side >= range.end || !code.IsKind(side, TokenKind::kName)) continue;
      const bool constant =
          std::ranges::none_of(code.At(side), [](char c) { return c >= 'a' && c <= 'z'; });
      const std::string_view name = code.At(side);
      if (!constant && !IsNumber(code, function, name) && !IsOwnText(code, function, name) &&
          name != "to_string")
        return {name, at};
    }
  }
  return {};
}

Hole HoleIn(const Code& code, const Call& run, Range argument) {
  const Function& function = code.functions()[run.function];
  if (const Hole hole = Direct(code, function, argument); !hole.name.empty()) return hole;
  std::string_view variable;
  for (Index at = argument.begin; at < argument.end; ++at) {
    if (code.IsKind(at, TokenKind::kName)) {
      variable = code.At(at);
      break;
    }
  }
  if (variable.empty()) return {};
  const Range before{function.body.begin, run.begin};
  Hole hole;
  for (const Assignment& assignment : code.AssignmentsIn(before)) {
    if (assignment.target != variable) continue;
    hole = Direct(code, function, assignment.value);
    // s += id
    if (hole.name.empty() && assignment.adds && !IsQuoted(code, assignment.value) &&
        assignment.value.end == assignment.value.begin + 1 &&
        code.IsKind(assignment.value.begin, TokenKind::kName))
      hole = {code.At(assignment.value.begin), assignment.at};
    if (!hole.name.empty()) return hole;
  }
  for (const Call& call : code.CallsIn(before)) {
    const auto format = FormatOf(code, call);
    if (!format || format->target != variable) continue;
    const std::string_view name = TextIn(code, function, *format);
    if (!name.empty()) hole = {name, call.at};
  }
  return hole;
}

// What the shell is given; an empty range where the call runs none.
Range CommandOf(const Code& code, const Call& call) {
  if (!code.IsRust()) {
    const bool plain = call.begin == call.at || code.Is(call.at - 1, "::");
    if (!plain || call.is_declaration || call.arguments.empty()) return {};
    if (IsAny(call.name, kRunsShell)) return call.arguments[0];
    if (!IsAny(call.name, kExecs) || call.arguments.size() < 4) return {};
    const bool shell = IsAny(code.StringsIn(call.arguments[0]), kShells);
    return shell && code.StringsIn(call.arguments[2]) == "-c" ? call.arguments[3] : Range{};
  }
  // Command::new("sh").arg("-c").arg(...), and .args(["-c", ...])
  if (call.name != "new" || !code.Is(call.at - 2, "Command") || call.arguments.empty()) return {};
  if (!IsAny(code.StringsIn(call.arguments[0]), kShells)) return {};
  const Range chain{call.close, code.StatementOf(call.at).end};
  for (Index at = chain.begin; at < chain.end; ++at) {
    if (!code.IsKind(at, TokenKind::kString) || !code.Is(at, "\"-c\"")) continue;
    if (code.Is(at + 1, ",")) return {at + 2, code.Partner(code.Around(at))};
    if (code.Is(at + 1, ")") && code.Is(at + 2, ".") && code.Is(at + 4, "(") &&
        code.Partner(at + 4) != kNowhere)
      return {at + 5, code.Partner(at + 4)};
  }
  return {};
}

}  // namespace

void CheckShellCommand(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    const Range command = CommandOf(code, call);
    if (command.Empty()) continue;
    const Hole hole = HoleIn(code, call, command);
    if (hole.name.empty()) continue;
    const Function& function = code.functions()[call.function];
    Report report;
    report.vulnerability =
        fmt::format("{} goes into a shell's command line in {}", hole.name, function.name);
    report.reason = fmt::format(
        "The shell reads {} as part of the command: ; | $( ) and quotes in it are obeyed.",
        hole.name);
    report.impact = "Who chooses it runs commands as this process's user, outside of the sandbox.";
    report.fix =
        code.IsRust()
            ? "Start the program itself: Command::new(program).arg(value), without a shell."
            : "Start the program itself: posix_spawn or execv with an array of arguments, "
              "without a shell.";
    report.effect = Severity::kHigh;
    report.at = call.at;
    report.flow = {{hole.at, fmt::format("{} is formatted into the command", hole.name)},
                   {call.at, code.TextOf({call.begin, call.close + 1})}};
    report.matched = fmt::format("{} with {} in it, unquoted",
                                 code.TextOf({call.begin, call.close + 1}), hole.name);
    reports.File(report);
  }
}

}  // namespace bailey::review
