// Every guarantee that untrusted code needs, or that an attacker is glad of, and that the filter
// does not give: one finding a topic, with the calls that are open.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "prove/call_text.h"
#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

bool IsAboutSockets(std::string_view guarantee) {
  return guarantee == "only-socket-families" || guarantee.starts_with("no-socket-");
}

// Undecided, or refuted without a call that shows it.
Finding WithoutCall(FilterView& view, const Topic& topic, const prove::Finding& proof) {
  Finding finding;
  finding.rule = fmt::format("filter/{}", topic.guarantee);
  finding.vulnerability = std::string(topic.open);
  finding.reason = fmt::format("\"{}\" is {}: {}.", view.Find(topic.guarantee)->sentence,
                               proof.verdict == prove::Verdict::kRefuted ? "refuted" : "undecided",
                               proof.reason);
  finding.impact = topic.impact;
  finding.effect = topic.effect;
  finding.undecided = proof.verdict == prove::Verdict::kUndecided;
  finding.place = {.file = view.Of().file};
  finding.evidence = {{EvidenceKind::kProof, view.Command(topic.guarantee), view.Said(proof)}};
  finding.guarantee = topic.guarantee;
  return finding;
}

}  // namespace

void FindOpenCalls(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  FilterView view(subject);
  std::set<std::string_view> covered;
  for (const Topic& topic : Topics()) {
    if (IsAboutSockets(topic.guarantee)) continue;
    const prove::Finding proof = view.Prove(topic.guarantee);
    if (proof.verdict == prove::Verdict::kProved) continue;
    if (covered.contains(topic.covered_by)) {
      covered.insert(topic.guarantee);
      continue;
    }
    const auto open = view.OpenCalls(*view.Find(topic.guarantee));
    // What a guarantee rests on is a topic of its own.
    if (open.empty() && proof.reason.starts_with("through ")) continue;
    // That nothing is said of an architecture is no finding about the filter.
    if (open.empty() && !proof.witness && proof.reason.find("says nothing") != std::string::npos)
      continue;
    if (open.empty() && proof.reason.find("on no machine") != std::string::npos) continue;
    findings.push_back(open.empty() ? WithoutCall(view, topic, proof)
                                    : OpenFinding(view, topic, open));
    if (proof.verdict == prove::Verdict::kRefuted) covered.insert(topic.guarantee);
  }
}

}  // namespace bailey::review
