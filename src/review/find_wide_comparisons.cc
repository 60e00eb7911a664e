// Rules that look at 64 bits of a register of which the kernel reads 32: whoever sets a high bit
// passes a denial (CVE-2019-10063), or is denied what is allowed.
#include <fmt/format.h>

#include <array>

#include "abi/arguments.h"
#include "abi/syscalls.h"
#include "prove/call_text.h"
#include "review/filter_view.h"
#include "review/find_filter.h"
#include "verify/meaning.h"
#include "verify/predicate.h"
#include "verify/query.h"

namespace bailey::review {
namespace {

using verify::Diagram;
using verify::Ref;

constexpr unsigned kRegisters = 6;

// The calls of `arch` of whose register `slot` the kernel reads 32 bits or fewer.
Ref CallsWithNarrow(Diagram& diagram, abi::Arch arch, unsigned slot) {
  std::vector<verify::Span> spans;
  for (const abi::Syscall& call : abi::Syscalls(arch)) {
    for (const abi::Argument& argument : abi::Arguments(arch, call.name)) {
      const bool is_narrow = argument.low_slot == slot && argument.high_slot == slot &&
                             abi::Bits(argument.type, arch) <= 32;
      if (is_narrow) spans.push_back({call.number, call.number, Diagram::kTrue});
    }
  }
  return diagram.And(verify::Equals(diagram, verify::Word::kArch, abi::Info(arch).token),
                     verify::Switch(diagram, verify::Word::kNr, spans));
}

std::string ArgumentName(abi::Arch arch, std::string_view call, unsigned slot) {
  for (const abi::Argument& argument : abi::Arguments(arch, call)) {
    if (argument.low_slot == slot) return std::string(argument.name);
  }
  return fmt::format("arg{}", slot);
}

Finding WideFinding(FilterView& view, abi::Arch arch, unsigned slot, verify::Dependence found) {
  // The one that is let through is the attack.
  if (view.AnswerTo(found.one).kind != abi::ActionKind::kAllow) std::swap(found.one, found.other);
  const auto answer = [&](const bpf::SeccompData& call) {
    return fmt::format("{} -> {}", prove::CallText(call), abi::ToString(view.AnswerTo(call), arch));
  };
  const std::string call = CallName(found.one);
  Finding finding;
  finding.rule = "filter/wide-comparison";
  finding.vulnerability =
      fmt::format("A rule on {} of {} depends on bits that the kernel does not read",
                  ArgumentName(arch, call, slot), call);
  finding.reason = fmt::format("{}; {}. To the kernel both are the same call.", answer(found.one),
                               answer(found.other));
  finding.impact =
      "Whoever sets a bit that only the filter looks at passes the rule "
      "(CVE-2019-10063).";
  finding.effect = Severity::kHigh;
  finding.place = view.PlaceOf(found.one);
  finding.flow = view.PathOf(found.one);
  finding.evidence = {{EvidenceKind::kProof,
                       fmt::format("searching the filter of {} for answers that depend on the high "
                                   "half of arg{}",
                                   view.Of().file, slot),
                       answer(found.one) + "; " + answer(found.other)}};
  finding.witness = found.one;
  finding.fix = "compare the low 32 bits only: `bailey compile` does, for the kernel's own types";
  return finding;
}

}  // namespace

void FindWideComparisons(const Subject& subject, std::vector<Finding>& findings) {
  if (!HasFilter(subject)) return;
  FilterView view(subject);
  const prove::Subject& filter = *subject.filter;
  Diagram diagram(verify::ChooseOrder(filter.stack));
  const Ref meaning = verify::MeaningOf(diagram, filter.stack, filter.big_endian);
  for (const abi::Arch arch : filter.archs) {
    if (abi::Info(arch).word_bits != 64) continue;  // its registers have no high half
    for (unsigned slot = 0; slot < kRegisters; ++slot) {
      const Ref calls = CallsWithNarrow(diagram, arch, slot);
      auto found =
          verify::FindDependence(diagram, meaning, calls, verify::ArgHigh(slot), 0xffffffff);
      if (found.found == verify::Answer::kYes)
        findings.push_back(WideFinding(view, arch, slot, std::move(found)));
    }
  }
}

}  // namespace bailey::review
