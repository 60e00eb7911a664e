#include "review/docket.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/report.h"

namespace bailey::review {

std::string_view Name(Review review) {
  switch (review) {
    case Review::kApprove:
      return "approve";
    case Review::kComment:
      return "comment";
    case Review::kRequestChanges:
      return "request changes";
  }
  return {};
}

Docket ReadDocket(const Trial& trial) {
  Docket docket;
  for (std::size_t i = 0; i < trial.rulings.size(); ++i) {
    const Case one = {&trial.findings[i], &trial.answers[i], &trial.rulings[i]};
    const bool stands = one.ruling->decision != Decision::kInvalid;
    (stands ? docket.standing : docket.refuted).push_back(one);
    if (!stands) continue;
    const bool must_change = one.ruling->action == Action::kFixImmediately;
    docket.review =
        std::max(docket.review, must_change ? Review::kRequestChanges : Review::kComment);
  }
  std::ranges::stable_sort(docket.standing, std::greater<>(),
                           [](const Case& one) { return one.ruling->severity; });
  return docket;
}

std::string CountBySeverity(const std::vector<Case>& cases) {
  constexpr std::array kWorstFirst = {Severity::kCritical, Severity::kHigh, Severity::kMedium,
                                      Severity::kLow, Severity::kNone};
  std::string text;
  for (const Severity severity : kWorstFirst) {
    const auto count =
        std::ranges::count(cases, severity, [](const Case& one) { return one.ruling->severity; });
    if (count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, Name(severity));
  }
  return text;
}

std::string Count(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string ToString(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) text += fmt::format(":{}", place.line);
  if (place.line > 0 && place.column > 0) text += fmt::format(":{}", place.column);
  if (place.pc) text += fmt::format("{}pc {}", text.empty() ? "" : ", ", *place.pc);
  return text;
}

}  // namespace bailey::review
