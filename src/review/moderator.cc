#include "review/moderator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/docket.h"

namespace bailey::review {
namespace {

std::string ByKind(std::span<const Finding> findings) {
  constexpr std::array kKinds = {
      std::pair{EvidenceKind::kProof, "shown by proof"},
      std::pair{EvidenceKind::kLiveProbe, "shown by a live probe"},
      std::pair{EvidenceKind::kSourceRule, "shown by a rule over the source"},
      std::pair{EvidenceKind::kModelOpinion, "by opinion"}};
  std::string text;
  const auto add = [&](std::size_t count, std::string_view what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  for (const auto& [kind, what] : kKinds) {
    add(static_cast<std::size_t>(std::ranges::count_if(findings,
                                                       [&](const Finding& one) {
                                                         return !one.evidence.empty() &&
                                                                one.evidence[0].kind == kind;
                                                       })),
        what);
  }
  add(static_cast<std::size_t>(
          std::ranges::count_if(findings, [](const Finding& one) { return one.evidence.empty(); })),
      "asked without evidence");
  return text;
}

}  // namespace

Summary SumUp(std::span<const Finding> findings, std::span<const Answer> answers) {
  Summary summary;
  if (findings.empty()) return {"The researcher filed nothing.", "There was nothing to answer."};
  summary.researcher = fmt::format("The researcher filed {}: {}.",
                                   Count(findings.size(), "finding"), ByKind(findings));
  const auto refuted = static_cast<std::size_t>(
      std::ranges::count(answers, Response::kRefutation, &Answer::response));
  const auto fixed = static_cast<std::size_t>(
      std::ranges::count_if(answers, [](const Answer& one) { return !one.fix.empty(); }));
  summary.author = fmt::format(
      "The author refuted {} and answered {} by mitigation, {} of them with a change that closes "
      "it.",
      refuted, answers.size() - refuted, fixed);
  return summary;
}

}  // namespace bailey::review
