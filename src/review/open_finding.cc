#include <fmt/format.h>

#include <algorithm>

#include "prove/call_text.h"
#include "review/filter_view.h"
#include "review/find_filter.h"

namespace bailey::review {
namespace {

constexpr std::size_t kNamedCalls = 8;

std::string Names(const std::vector<OpenCall>& open) {
  std::vector<std::string> names;
  for (const OpenCall& one : open) {
    if (std::ranges::find(names, one.name) == names.end()) names.push_back(one.name);
  }
  if (names.size() <= kNamedCalls) return Join(names);
  const std::size_t rest = names.size() - kNamedCalls;
  names.resize(kNamedCalls);
  return fmt::format("{} and {} more", Join(names), rest);
}

// What the filter answers when the half of each register that the kernel does not read is 0.
bool IsClosedWhenNarrow(const FilterView& view, const bpf::SeccompData& call) {
  bpf::SeccompData narrow = call;
  for (std::uint64_t& value : narrow.args) value &= 0xffffffff;
  if (narrow == call) return false;
  const abi::ActionKind kind = view.AnswerTo(narrow).kind;
  return kind != abi::ActionKind::kAllow && kind != abi::ActionKind::kLog;
}

}  // namespace

bool HasFilter(const Subject& subject) { return subject.filter && !subject.filter->stack.empty(); }

Finding OpenFinding(FilterView& view, const Topic& topic, const std::vector<OpenCall>& open) {
  const OpenCall& first = open.front();
  const prove::Guarantee& guarantee = *view.Find(topic.guarantee);
  Finding finding;
  finding.rule = fmt::format("filter/{}", topic.guarantee);
  finding.vulnerability = fmt::format("{}: {}", topic.open, Names(open));
  finding.reason = fmt::format("\"{}\" does not hold. ", guarantee.sentence);
  for (const OpenCall& one : open) {
    finding.reason += fmt::format("{}{}: {}.", &one == &open.front() ? "" : " ",
                                  one.archs.empty() ? "Other tokens" : "On " + Join(one.archs),
                                  prove::WitnessText(one.finding));
  }
  if (IsClosedWhenNarrow(view, *first.finding.witness)) {
    finding.reason +=
        " The filter compares 64 bits of a register of which the kernel reads 32: with a high bit "
        "set the rule is passed.";
  }
  finding.impact = topic.impact;
  finding.effect = topic.effect;
  finding.reach = view.ReachOf(topic, *first.finding.witness, finding.bounded_by);
  finding.place = view.PlaceOf(*first.finding.witness);
  finding.flow = view.PathOf(*first.finding.witness);
  finding.undecided = std::ranges::all_of(
      open, [](const OpenCall& one) { return one.finding.verdict == prove::Verdict::kUndecided; });
  for (const OpenCall& one : open) {
    const Evidence evidence = {EvidenceKind::kProof, view.Command(topic.guarantee),
                               view.Said(one.finding)};
    if (std::ranges::find(finding.evidence, evidence) == finding.evidence.end())
      finding.evidence.push_back(evidence);
  }
  finding.witness = first.finding.witness;
  finding.guarantee = topic.guarantee;
  return finding;
}

}  // namespace bailey::review
