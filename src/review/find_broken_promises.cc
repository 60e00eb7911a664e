// What a policy promises under [guarantees] keep, and its filter does not give.
#include <fmt/format.h>

#include <algorithm>

#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {

void FindBrokenPromises(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject) || !subject.policy || subject.policy->guarantees.empty()) return;
  FilterView view(subject);
  for (const policy::Guarantee& kept : subject.policy->guarantees) {
    const prove::Guarantee* const guarantee = view.Find(kept.name);
    if (guarantee == nullptr) continue;  // the reader refuses such a policy
    const prove::Finding proof = view.Prove(kept.name);
    if (proof.verdict == prove::Verdict::kProved) continue;
    Finding finding;
    finding.rule = "policy/broken-promise";
    finding.vulnerability =
        fmt::format("The policy promises {}, and its filter does not keep it", kept.name);
    finding.reason = fmt::format("\"{}\" is {}.", guarantee->sentence, view.Said(proof));
    finding.impact = "Whoever relies on the promise is not protected; `bailey run` refuses.";
    finding.effect = Severity::kHigh;
    finding.undecided = proof.verdict == prove::Verdict::kUndecided;
    finding.place = {.file = kept.location.file.empty() ? subject.file : kept.location.file,
                     .line = static_cast<int>(kept.location.line),
                     .column = static_cast<int>(kept.location.column)};
    if (proof.witness) finding.flow = view.PathOf(*proof.witness);
    finding.evidence = {{EvidenceKind::kProof, view.Command(kept.name), view.Said(proof)}};
    finding.witness = proof.witness;
    finding.guarantee = kept.name;
    findings.push_back(std::move(finding));
  }
}

}  // namespace bailey::review
