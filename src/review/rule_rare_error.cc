// An error condition that lets the usual error pass. The condition is evaluated for success and for
// the errors that such calls return; whatever else is in it makes it unknown, and then nothing is
// said.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "review/source_condition.h"
#include "review/source_fate.h"
#include "review/source_rule.h"
#include "review/source_rules.h"

namespace bailey::review {
namespace {

// What is asked about one result, until it takes another value.
struct Looks {
  std::vector<Index> branches;  // "if"
  std::vector<bool> stopped;    // for each sample, whether a branch is taken, or may be
  bool success_stops = false;   // a branch that is taken for 0, and for no error
  bool is_read_otherwise = false;
};

std::vector<KnownValue> Values(std::string_view variable, std::int64_t error, bool sets_errno) {
  if (error == 0) return {{variable, 0}, {"errno", 0}};
  return {{variable, sets_errno ? -1 : error}, {"errno", -error}};
}

bool Stops(const Code& code, Range range) {
  for (Index at = range.begin; at < range.end; ++at) {
    const std::string_view word = code.At(at);
    if (word == "return" || word == "goto" || word == "throw") return true;
  }
  return std::ranges::any_of(code.CallsIn(range), [](const Call& call) {
    return call.name.find("die") != std::string_view::npos ||
           call.name.find("xit") != std::string_view::npos || call.name == "abort" ||
           call.name.starts_with("err") || call.name.find("fatal") != std::string_view::npos ||
           call.name.find("fail") != std::string_view::npos;
  });
}

Looks LookAt(const Code& code, Range life, std::string_view variable, bool sets_errno) {
  Looks looks;
  const auto samples = SampleErrors();
  looks.stopped.assign(samples.size(), false);
  std::vector<Range> conditions;
  for (Index at = life.begin; at < life.end; ++at) {
    if (!code.Is(at, "if")) continue;
    const Branch branch = code.BranchAt(at);
    if (!code.Mentions(branch.condition, variable)) continue;
    conditions.push_back(branch.condition);
    // Whatever happens in one is an answer to the error, where it is more than to go on.
    if (!Stops(code, branch.then)) continue;
    conditions.push_back(branch.then);  // it may name the result
    looks.branches.push_back(at);
    const auto success = Holds(code, branch.condition, Values(variable, 0, sets_errno));
    bool any_error = false;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto taken = Holds(code, branch.condition, Values(variable, samples[i], sets_errno));
      const bool stops = taken.value_or(true);
      any_error |= stops;
      if (stops) looks.stopped[i] = true;
    }
    looks.success_stops |= success == true && !any_error;
  }
  for (const Index at : code.PlacesIn(variable, life)) {
    const bool asked =
        std::ranges::any_of(conditions, [&](Range range) { return range.Holds(at); });
    if (!asked) looks.is_read_otherwise = true;
  }
  return looks;
}

std::string ErrorsOf(const std::vector<bool>& stopped, bool which) {
  std::string names;
  int count = 0;
  for (std::size_t i = 0; i < stopped.size(); ++i) {
    if (stopped[i] != which || ++count > 4) continue;
    names += names.empty() ? "" : ", ";
    names += strerrorname_np(static_cast<int>(-SampleErrors()[i]));
  }
  return names + (count > 4 ? "..." : "");
}

}  // namespace

void CheckRareError(const Code& code, Reports& reports) {
  if (code.IsRust()) return;
  for (const Call& call : code.calls()) {
    const Builder* builder = BuilderOf(code, call);
    if (builder == nullptr) continue;
    const ResultUse use = code.UseOf(call);
    Looks looks;
    bool in_condition = false;
    if (use.kind == Use::kAssigned) {
      if (FateOf(code, call) != Fate::kRead) continue;
      looks = LookAt(code, LifeOf(code, call, use.variable), use.variable, builder->sets_errno);
    } else {
      // if ((r = f()) < 0 && r == -EFAULT)
      const Range statement = code.StatementOf(call.at);
      if (!code.Is(statement.begin, "if") || !code.Is(call.begin - 1, "=") ||
          !code.IsKind(call.begin - 2, TokenKind::kName)) {
        continue;
      }
      in_condition = true;
      const std::string_view variable = code.At(call.begin - 2);
      looks = LookAt(code, {statement.begin, LifeOf(code, call, variable).end}, variable,
                     builder->sets_errno);
    }
    if (looks.branches.size() != 1 || looks.is_read_otherwise) continue;
    const auto stopped = std::ranges::count(looks.stopped, true);
    const auto all = static_cast<long>(looks.stopped.size());
    if (looks.success_stops || stopped == 0 || stopped > all / 2) continue;
    const Branch branch = code.BranchAt(looks.branches.front());
    const Function& function = code.functions()[call.function];
    Report report;
    report.vulnerability = fmt::format("Only {} of {}'s errors stops {}, the others are dropped",
                                       ErrorsOf(looks.stopped, true), builder->name, function.name);
    report.reason = fmt::format(
        "The condition ({}) holds for {} and not for {}: it is inverted, or asks for the one error "
        "that was to be let pass.",
        code.TextOf(branch.condition), ErrorsOf(looks.stopped, true),
        ErrorsOf(looks.stopped, false));
    report.impact = fmt::format(
        "After any other error {}, and the caller is told that all is well.", builder->lost);
    const std::string_view variable = in_condition ? code.At(call.begin - 2) : use.variable;
    report.fix = builder->sets_errno ? fmt::format("if ({} != 0) return -1;", variable)
                                     : fmt::format("if ({0} < 0 && {0} != -{1}) return {0};",
                                                   variable, ErrorsOf(looks.stopped, true));
    report.effect = Severity::kMedium;
    report.at = looks.branches.front();
    report.flow = {
        {call.at, fmt::format("{} returns an error", call.name)},
        {looks.branches.front(), fmt::format("({}) is false for {}", code.TextOf(branch.condition),
                                             ErrorsOf(looks.stopped, false))}};
    report.matched = fmt::format("({}) evaluated for {} errors: true for {}, false for {}",
                                 code.TextOf(branch.condition), all, ErrorsOf(looks.stopped, true),
                                 ErrorsOf(looks.stopped, false));
    reports.File(report);
  }
}

}  // namespace bailey::review
