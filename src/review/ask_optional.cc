// Guarantees that a sandbox may or may not ask for: all that do not hold are one question. What a
// policy promises by name is find_broken_promises' part.
#include <fmt/format.h>

#include <vector>

#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {

void AskOptional(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  FilterView view(subject);
  std::vector<std::string> names;
  Finding finding;
  for (const std::string_view name : OptionalGuarantees()) {
    const prove::Finding proof = view.Prove(name);
    if (proof.verdict == prove::Verdict::kProved) continue;
    names.emplace_back(name);
    finding.against.push_back({EvidenceKind::kProof, view.Command(name), view.Said(proof)});
  }
  if (names.empty()) return;
  finding.rule = "filter/optional";
  finding.vulnerability = "Guarantees that this kind of sandbox need not give do not hold";
  finding.reason = fmt::format("Not proved: {}.", Join(names));
  finding.impact = "What was not asked for is not given.";
  finding.effect = Severity::kNone;
  finding.place = {.file = subject.file};
  findings.push_back(std::move(finding));
}

}  // namespace bailey::review
