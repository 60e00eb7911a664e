#include "review/board.h"

#include <fmt/format.h>

#include <algorithm>

#include "review/report.h"

namespace bailey::review {
namespace {

constexpr Severity kNone = Severity::kNone, kLow = Severity::kLow, kMedium = Severity::kMedium,
                   kHigh = Severity::kHigh, kCritical = Severity::kCritical;

constexpr BoardRow kRows[] = {
    {Standing::kRefuted, {}, Decision::kInvalid, 0, kNone, "It does not hold"},
    {Standing::kDisputed,
     {},
     Decision::kPartiallyValid,
     0,
     kMedium,
     "There is evidence for it and against it"},
    {Standing::kShown, Reach::kAnyProgram, Decision::kValid, 0, kCritical,
     "It is shown, and any program in the sandbox reaches it"},
    {Standing::kShown, Reach::kPrivilege, Decision::kValid, 1, kHigh,
     "It is shown, and needs a privilege that the subject does not give"},
    {Standing::kShown, Reach::kOtherLayer, Decision::kPartiallyValid, 1, kMedium,
     "It is shown, and another layer stands before it"},
    {Standing::kShown, Reach::kNotEnterable, Decision::kPartiallyValid, 2, kLow,
     "It is shown, on an architecture that cannot be entered"},
    {Standing::kUndecided,
     {},
     Decision::kPartiallyValid,
     1,
     kMedium,
     "It was tried, and neither shown nor refuted"},
    {Standing::kOpinion,
     {},
     Decision::kPartiallyValid,
     1,
     kMedium,
     "It is an opinion: nothing was run that shows it"},
};

constexpr ActionRow kActions[] = {
    {Decision::kInvalid, kNone, Action::kNoAction},
    {Decision::kPartiallyValid, kLow, Action::kMonitor},
    {Decision::kPartiallyValid, kNone, Action::kNoAction},
    {Decision::kValid, kMedium, Action::kFixImmediately},
    {Decision::kValid, kLow, Action::kMonitor},
    {Decision::kValid, kNone, Action::kNoAction},
};

bool Counts(const Evidence& evidence) { return evidence.kind != EvidenceKind::kModelOpinion; }

// Lowering ends at low: what stands is never nothing.
Severity Lower(Severity effect, int steps, Severity at_most) {
  int level = static_cast<int>(effect);
  if (level > static_cast<int>(kLow)) level = std::max(level - steps, static_cast<int>(kLow));
  return std::min(static_cast<Severity>(level), at_most);
}

// The first of the finding's, and the first of each kind of the author's; the rest is in
// `evidence`.
std::string Cite(const Finding& finding, const Answer& answer) {
  std::string text;
  const auto cite = [&](const Evidence& one) {
    text += fmt::format(" {} ({}): {}: {}.", text.empty() ? "Evidence" : "And", Name(one.kind),
                        one.ran, one.result);
  };
  const auto first = std::ranges::find_if(finding.evidence, Counts);
  if (first != finding.evidence.end()) cite(*first);
  std::vector<EvidenceKind> cited;
  for (const Evidence& one : answer.evidence) {
    if (!Counts(one) || std::ranges::find(cited, one.kind) != cited.end()) continue;
    cited.push_back(one.kind);
    cite(one);
  }
  return text;
}

}  // namespace

std::span<const BoardRow> BoardRows() { return kRows; }
std::span<const ActionRow> ActionRows() { return kActions; }

std::string_view Name(Standing standing) {
  switch (standing) {
    case Standing::kRefuted:
      return "refuted";
    case Standing::kDisputed:
      return "disputed";
    case Standing::kShown:
      return "shown";
    case Standing::kUndecided:
      return "undecided";
    case Standing::kOpinion:
      return "opinion";
  }
  return {};
}

std::string_view Name(Reach reach) {
  switch (reach) {
    case Reach::kAnyProgram:
      return "any program";
    case Reach::kOtherLayer:
      return "behind another layer";
    case Reach::kPrivilege:
      return "with a privilege";
    case Reach::kNotEnterable:
      return "not enterable";
  }
  return {};
}

Standing StandingOf(const Finding& finding, const Answer& answer) {
  const bool for_it = std::ranges::any_of(finding.evidence, Counts);
  const bool answered = std::ranges::any_of(answer.evidence, Counts);
  if (answer.response == Response::kRefutation && answered)
    return for_it ? Standing::kDisputed : Standing::kRefuted;
  if (finding.undecided || answer.undecided) return Standing::kUndecided;
  return for_it || answered ? Standing::kShown : Standing::kOpinion;
}

Ruling Rule(const Finding& finding, const Answer& answer) {
  const Standing standing = StandingOf(finding, answer);
  const auto row = std::ranges::find_if(kRows, [&](const BoardRow& one) {
    return one.standing == standing && (!one.reach || *one.reach == finding.reach);
  });
  Ruling ruling;
  ruling.vulnerability = finding.vulnerability;
  ruling.decision = row->decision;
  ruling.severity = Lower(finding.effect, row->lowered_by, row->at_most);
  ruling.action = std::ranges::find_if(kActions, [&](const ActionRow& one) {
                    return one.decision == ruling.decision && ruling.severity >= one.at_least;
                  })->action;
  ruling.evidence = finding.evidence;
  for (const Evidence& one : answer.evidence) {
    if (std::ranges::find(ruling.evidence, one) == ruling.evidence.end())
      ruling.evidence.push_back(one);
  }
  const std::string bound = finding.bounded_by.empty() || ruling.decision == Decision::kInvalid
                                ? ""
                                : ": " + finding.bounded_by;
  ruling.justification = fmt::format("{}{}.{}", row->because, bound, Cite(finding, answer));
  return ruling;
}

}  // namespace bailey::review
