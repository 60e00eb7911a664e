#include "review/against.h"

#include <fmt/format.h>

#include <algorithm>

#include "prove/call_text.h"
#include "prove/difference.h"
#include "review/docket.h"
#include "review/filter_view.h"
#include "review/find_filter.h"
#include "verify/meaning.h"

namespace bailey::review {
namespace {

bool IsQuestion(const Finding& finding) {
  return finding.evidence.empty() || !finding.against.empty();
}

bool IsOpenIn(const Subject& subject, const bpf::SeccompData& call) {
  const abi::ActionKind kind = FilterView(subject).AnswerTo(call).kind;
  return kind == abi::ActionKind::kAllow || kind == abi::ActionKind::kLog;
}

// Whether `findings`, of `subject`, have what `finding` of the other side says: the same words; or,
// where it shows an open call, that is open here too.
bool IsIn(std::span<const Finding> findings, const Subject& subject, const Finding& finding) {
  const bool is_said = std::ranges::any_of(findings, [&](const Finding& one) {
    return !IsQuestion(one) && one.rule == finding.rule &&
           one.vulnerability == finding.vulnerability;
  });
  if (is_said) return true;
  return !finding.guarantee.empty() && finding.witness && HasFilter(subject) &&
         IsOpenIn(subject, *finding.witness);
}

struct Changes {
  std::vector<prove::Change> allowed;
  std::size_t denied = 0;
  bool is_known = false;
};

Changes CompareFilters(const Subject& before, const Subject& after) {
  Changes changes;
  const bool alike =
      before.filter && after.filter && before.filter->big_endian == after.filter->big_endian;
  if (!alike) return changes;
  std::vector<bpf::Program> both = before.filter->stack;
  both.insert(both.end(), after.filter->stack.begin(), after.filter->stack.end());
  verify::Diagram diagram(verify::ChooseOrder(both));
  const auto list = prove::ListChanges(
      diagram, verify::MeaningOf(diagram, before.filter->stack, before.filter->big_endian),
      verify::MeaningOf(diagram, after.filter->stack, after.filter->big_endian));
  if (!list) return changes;
  changes.is_known = true;
  for (const prove::Change& one : *list) {
    if (one.kind == prove::ChangeKind::kNewlyAllowed) changes.allowed.push_back(one);
    changes.denied += one.kind == prove::ChangeKind::kNewlyDenied;
  }
  return changes;
}

// What is newly allowed and named by no finding that the change brought.
void FileAllowed(const Changes& changes, const Subject& after, std::vector<Finding>& findings) {
  std::vector<std::string> names;
  Finding finding;
  for (const prove::Change& one : changes.allowed) {
    const bool is_said = std::ranges::any_of(findings, [&](const Finding& found) {
      return found.vulnerability.find(one.what) != std::string::npos;
    });
    if (is_said) continue;
    if (std::ranges::find(names, one.what) == names.end()) names.push_back(one.what);
    if (!finding.witness) finding.witness = one.witness;
    finding.evidence.push_back({EvidenceKind::kProof,
                                fmt::format("bailey diff, of the old and the new {}", after.file),
                                fmt::format("newly allowed: {}{}", prove::CallText(one.witness),
                                            one.when.empty() ? "" : ", when " + one.when)});
  }
  if (names.empty()) return;
  finding.rule = "change/newly-allowed";
  finding.vulnerability = fmt::format("The change allows what was denied: {}", Join(names));
  finding.reason = finding.evidence[0].result + ".";
  finding.impact =
      "More of the kernel is reached than before; no guarantee of the catalogue is lost.";
  finding.effect = Severity::kLow;
  finding.place = FilterView(after).PlaceOf(*finding.witness);
  finding.flow = FilterView(after).PathOf(*finding.witness);
  findings.push_back(std::move(finding));
}

// What was found before, as a question to the new subject.
Finding Closed(const Finding& old, const Subject& after) {
  Finding finding;
  finding.rule = old.rule;
  finding.vulnerability = old.vulnerability;
  finding.reason = "Found before the change: " + old.reason;
  finding.impact = old.impact;
  finding.effect = old.effect;
  finding.place = {.file = after.file};
  finding.guarantee = old.guarantee;
  if (!old.guarantee.empty() && HasFilter(after)) {
    FilterView view(after);
    if (view.Prove(old.guarantee).verdict == prove::Verdict::kProved) return finding;
    if (old.witness) {
      finding.against.push_back({EvidenceKind::kProof,
                                 "interpreting the new filter on " + prove::CallText(*old.witness),
                                 view.AnswerText(*old.witness)});
      return finding;
    }
  }
  const EvidenceKind kind = old.evidence.empty() ? EvidenceKind::kSourceRule : old.evidence[0].kind;
  finding.against.push_back(
      {kind, fmt::format("{}, over {}", old.rule, after.file), "not found after the change"});
  return finding;
}

}  // namespace

Trial TryChange(const Subject& before, const Subject& after, const TrialOptions& options) {
  const std::vector<Finding> old_findings = Research(before);
  const std::vector<Finding> new_findings = Research(after);
  std::vector<Finding> filed;
  std::size_t kept = 0, closed = 0;
  for (const Finding& finding : new_findings) {
    if (IsQuestion(finding)) continue;
    if (IsIn(old_findings, before, finding)) {
      ++kept;
    } else {
      filed.push_back(finding);
    }
  }
  const std::size_t opened = filed.size();
  const Changes changes = CompareFilters(before, after);
  FileAllowed(changes, after, filed);
  for (const Finding& finding : old_findings) {
    if (IsQuestion(finding) || IsIn(new_findings, after, finding)) continue;
    ++closed;
    filed.push_back(Closed(finding, after));
  }
  const std::vector<Finding> claims = FileClaims(options.claims, after, new_findings);
  filed.insert(filed.end(), claims.begin(), claims.end());
  Trial trial = Hear(after, std::move(filed), options.author);
  trial.subject = fmt::format("change of {} to {}", before.title, after.title);
  trial.summary.researcher =
      fmt::format("The change brings {} and closes {}; {} there before and not repeated. {}",
                  Count(opened, "finding"), closed,
                  kept == 1 ? "1 was" : fmt::format("{} were", kept), trial.summary.researcher);
  if (changes.is_known) {
    trial.summary.researcher += fmt::format(" Of calls, {} newly allowed, {} newly denied.",
                                            changes.allowed.size(), changes.denied);
  }
  return trial;
}

}  // namespace bailey::review
