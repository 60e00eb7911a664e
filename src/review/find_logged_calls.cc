// Answers that write a call down and make it: LOG denies nothing.
#include <fmt/format.h>

#include "prove/call_text.h"
#include "review/filter_view.h"
#include "review/find_filter.h"
#include "verify/meaning.h"
#include "verify/predicate.h"
#include "verify/query.h"

namespace bailey::review {

void FindLoggedCalls(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  const prove::Subject& filter = *subject.filter;
  verify::Diagram diagram(verify::ChooseOrder(filter.stack));
  const verify::Ref meaning = verify::MeaningOf(diagram, filter.stack, filter.big_endian);
  const verify::Ref logged = verify::Where(diagram, meaning, [](verify::Outcome outcome) {
    return abi::Decode(verify::ValueOf(outcome)).kind == abi::ActionKind::kLog;
  });
  for (const abi::Arch arch : filter.archs) {
    const verify::Witness witness = verify::FindWitness(
        diagram,
        diagram.And(verify::Equals(diagram, verify::Word::kArch, abi::Info(arch).token), logged));
    if (witness.found != verify::Answer::kYes) continue;
    FilterView view(subject);
    const std::string said = fmt::format("{} -> log", prove::CallText(witness.data));
    Finding finding;
    finding.rule = "filter/log-allows";
    finding.vulnerability = "Calls are written to a log and made all the same";
    finding.reason = said + ": the kernel makes a call that is answered with LOG.";
    finding.impact = "Where LOG was meant to deny, nothing is denied.";
    finding.effect = Severity::kMedium;
    finding.place = view.PlaceOf(witness.data);
    finding.flow = view.PathOf(witness.data);
    finding.evidence = {{EvidenceKind::kProof,
                         fmt::format("searching the filter of {} for LOG", subject.file), said}};
    finding.witness = witness.data;
    finding.fix = "answer with an errno; `bailey compile` never answers with log unless told to";
    findings.push_back(std::move(finding));
    return;
  }
}

}  // namespace bailey::review
