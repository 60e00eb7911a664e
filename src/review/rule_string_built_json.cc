// JSON made by formatting: a quote in a value ends the string, and what follows is JSON.
#include <fmt/format.h>

#include <array>

#include "review/source_flow.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kEscapes = std::to_array<std::string_view>(
    {"escape", "escaped", "quote", "quoted", "json", "encode", "serialize", "dumps"});
// What others choose.
constexpr auto kForeign = std::to_array<std::string_view>(
    {"id",    "uuid",     "name",     "path",   "comm",    "cmd",    "cmdline", "command",
     "host",  "hostname", "domain",   "user",   "message", "msg",    "reason",  "detail",
     "arg",   "args",     "argument", "url",    "title",   "label",  "value",   "text",
     "input", "target",   "image",    "kernel", "tap",     "rootfs", "file",    "exe"});

struct Printer {
  std::string_view name;
  std::size_t format;
};
constexpr Printer kPrinters[] = {{"printf", 0},  {"fprintf", 1}, {"dprintf", 1},
                                 {"println", 0}, {"print", 0},   {"eprintln", 0}};

// Where a value is put between the quotes of a JSON string: "key": "%s" or "key":"{}".
bool HasQuotedHole(std::string_view text) {
  for (std::size_t at = text.find("\":"); at != std::string_view::npos;
       at = text.find("\":", at + 1)) {
    const std::size_t next = text.find_first_not_of(' ', at + 2);
    if (next == std::string_view::npos || text[next] != '"' || next + 1 >= text.size()) continue;
    // The hole may stand behind a prefix: "path": "/srv/%s".
    const std::string_view value = text.substr(next + 1, text.find('"', next + 1) - next - 1);
    if (value.find("%s") != std::string_view::npos) return true;
    for (std::size_t brace = value.find('{'); brace != std::string_view::npos;
         brace = value.find('{', brace + 1)) {
      if (brace + 1 < value.size() && value[brace + 1] == '{') {
        ++brace;
        continue;
      }
      if (value.find('}', brace) != std::string_view::npos) return true;
    }
  }
  return false;
}

std::optional<Format> PrintedBy(const Code& code, const Call& call) {
  if (auto format = FormatOf(code, call)) return format;
  for (const Printer& printer : kPrinters) {
    if (printer.name != call.name || call.arguments.size() <= printer.format) continue;
    if (code.IsRust() != call.is_macro) continue;
    Format format;
    format.text = code.StringsIn(call.arguments[printer.format]);
    const auto first = static_cast<std::ptrdiff_t>(printer.format + (code.IsRust() ? 0 : 1));
    format.arguments.assign(call.arguments.begin() + first, call.arguments.end());
    return format;
  }
  return std::nullopt;
}

bool IsEscaped(const Code& code, Range argument) {
  for (Index at = argument.begin; at < argument.end; ++at) {
    if (code.IsKind(at, TokenKind::kName) && HasWord(code.At(at), kEscapes)) return true;
  }
  return false;
}

// The foreign value among the arguments; empty where all are the program's own.
std::string_view ForeignIn(const Code& code, const Function& function, const Format& format) {
  for (const Range argument : format.arguments) {
    if (IsEscaped(code, argument)) return {};
  }
  for (const Range argument : format.arguments) {
    std::string_view name;
    bool subscript = false;
    for (Index at = argument.begin; at < argument.end; ++at) {
      subscript |= code.Is(at, "[");
      if (code.IsKind(at, TokenKind::kName) && !code.Is(at + 1, "(")) name = code.At(at);
      if (!code.IsRust() || !code.IsKind(at, TokenKind::kString)) continue;
      for (const std::string_view named : NamesInFormat(code.At(at))) {
        if (HasWord(named, kForeign)) return named;
      }
    }
    if (!name.empty() && !subscript && HasWord(name, kForeign)) {
      // escaped = json_escape(name): looked at under another name
      for (const Assignment& assignment : code.AssignmentsIn(function.body)) {
        if (assignment.target == name && IsEscaped(code, assignment.value)) return {};
      }
      return name;
    }
  }
  return {};
}

void FileJson(const Code& code, Index at, std::string_view value, const std::string& shape,
              Reports& reports) {
  Report report;
  report.vulnerability = fmt::format("JSON is put together from strings with {} in it, in {}",
                                     value, FunctionNameAt(code, at));
  report.reason = fmt::format(
      "{} goes between the quotes as it is: with a quote in it, what follows is read as members of "
      "the object.",
      value);
  report.impact =
      "Who chooses it writes other members, and where the reader takes the last of two, overrides "
      "them.";
  report.fix = code.IsRust() ? "Derive Serialize for a struct of these members and write it with "
                               "serde_json::to_string."
                             : "Build the object with a JSON library, which escapes its strings.";
  report.effect = Severity::kMedium;
  report.at = at;
  report.flow = {{at, shape}};
  report.matched = shape;
  reports.File(report);
}

}  // namespace

void CheckStringBuiltJson(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    const auto format = PrintedBy(code, call);
    if (!format || !HasQuotedHole(format->text)) continue;
    const auto value = ForeignIn(code, code.functions()[call.function], *format);
    if (!value.empty())
      FileJson(code, call.at, value, code.TextOf({call.begin, call.close + 1}), reports);
  }
  // "{\"id\": \"" + id + "\"}" and the same with <<
  for (Index at = 0; !code.IsRust() && at + 2 < code.tokens().size(); ++at) {
    if (!code.IsKind(at, TokenKind::kString) || !(code.Is(at + 1, "+") || code.Is(at + 1, "<<")))
      continue;
    const std::string text = code.StringsIn({at, at + 1});
    const bool opens = text.ends_with("\":\"") || text.ends_with("\": \"");
    if (!opens || code.FunctionOf(at) == nullptr) continue;
    Index name = at + 2;
    bool escaped = false;
    while (code.IsKind(name, TokenKind::kName) || code.Is(name, "::") || code.Is(name, ".") ||
           code.Is(name, "->")) {
      escaped |= HasWord(code.At(name), kEscapes);
      if (!code.IsKind(name + 1, TokenKind::kName) && !code.Is(name + 1, "::") &&
          !code.Is(name + 1, ".") && !code.Is(name + 1, "->"))
        break;
      ++name;
    }
    if (escaped || !code.IsKind(name, TokenKind::kName) || !HasWord(code.At(name), kForeign))
      continue;
    FileJson(code, at, code.At(name), code.TextOf({at, name + 1}), reports);
  }
}

}  // namespace bailey::review
