// A buffered reader that is made for one message, over a stream that goes on: what it read ahead
// ends with it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

constexpr auto kReadsOne =
    std::to_array<std::string_view>({"read_line", "read_until", "fill_buf", "fgets", "getline",
                                     "getdelim", "next", "skip_until", "fread"});
constexpr auto kReadsAll = std::to_array<std::string_view>(
    {"lines", "split", "read_to_end", "read_to_string", "for", "while", "loop", "bytes"});
constexpr auto kKeeps = std::to_array<std::string_view>({"into_inner", "buffer", "Some", "Ok"});

// The stream outlives the function: a member, or something that was lent.
bool IsLent(const Code& code, const Call& made, const Function& function) {
  const Range argument = made.arguments.front();
  if (code.IsRust()) {
    const bool member = code.Mentions(argument, "self");
    const bool clone = code.Mentions(argument, "try_clone");
    for (const Parameter& parameter : function.parameters) {
      if (parameter.name == "self" || !code.Mentions(argument, parameter.name)) continue;
      const Range declaration = parameter.declaration;
      for (Index at = declaration.begin; at < declaration.end; ++at) {
        if (code.Is(at, ":")) return code.Is(at + 1, "&") || clone;
      }
    }
    return member;
  }
  // fdopen(dup(fd), "r") of a parameter or member
  for (const Parameter& parameter : function.parameters) {
    if (code.Mentions(argument, parameter.name)) return true;
  }
  return std::ranges::any_of(std::array{"->", "."}, [&](std::string_view by) {
    for (Index at = argument.begin; at < argument.end; ++at) {
      if (code.Is(at, by)) return true;
    }
    return false;
  });
}

}  // namespace

void CheckLostBytes(const Code& code, Reports& reports) {
  for (const Call& call : code.calls()) {
    const Function& function = code.functions()[call.function];
    const bool rust = code.IsRust() && (call.name == "new" || call.name == "with_capacity") &&
                      code.Is(call.at - 2, "BufReader");
    const bool c = !code.IsRust() && call.name == "fdopen" && call.begin == call.at;
    if ((!rust && !c) || call.arguments.empty()) continue;
    if (function.name == "new" || function.name == "main" || function.name == "connect") continue;
    if (!IsLent(code, call, function)) continue;
    const Range rest{call.close, function.body.end};
    const ResultUse use = code.UseOf(call);
    // let mut reader = BufReader::new(...); also a reader that is made for one call of a chain.
    const bool local = use.kind == Use::kAssigned && !code.Is(use.operator_at - 2, ".") &&
                       !code.Is(use.operator_at - 2, "->");
    if (!local) continue;
    Index read = kNowhere;
    bool all = false;
    for (const Call& later : code.CallsIn(rest)) {
      if (IsAny(later.name, kReadsOne) && read == kNowhere) read = later.at;
      all |= IsAny(later.name, kReadsAll);
    }
    for (const std::string_view word : {"for", "while", "loop"})
      all |= code.Mentions(function.body, word);
    bool kept = false;
    for (const Index at : code.PlacesIn(use.variable, rest)) {
      // Returned, stored or handed on with what it holds.
      kept |= code.Is(at + 1, ".") && IsAny(code.At(at + 2), kKeeps);
      const Index open = code.Around(at);
      const Call* around = open != kNowhere && open > 0 ? code.CallAt(open - 1) : nullptr;
      kept |= around != nullptr && (around->name == "Some" || around->name == "Ok");
      kept |= code.Is(at - 1, "return") || code.Is(at - 1, "=") || code.Is(at + 1, "}");
    }
    if (read == kNowhere || all || kept) continue;
    Report report;
    report.vulnerability = fmt::format("{} loses what {} reads ahead", function.name, use.variable);
    report.reason = fmt::format(
        "{} fills its buffer from the stream and gives one message of it; the rest of the buffer "
        "is "
        "dropped when {} returns.",
        use.variable, function.name);
    report.impact =
        "Messages that arrive together are lost, and a peer can have the two sides "
        "disagree on where a message begins.";
    report.fix = "Make the reader once, beside the stream, and keep it as long.";
    report.effect = Severity::kMedium;
    report.at = call.at;
    report.flow = {{call.at, code.TextOf({call.begin, call.close + 1})},
                   {read, code.TextOf(code.StatementOf(read))}};
    report.matched = "a local reader over a stream that is only lent, and one read";
    reports.File(report);
  }
}

}  // namespace bailey::review
