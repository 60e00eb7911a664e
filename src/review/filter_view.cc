#include "review/filter_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "abi/syscalls.h"
#include "base/text.h"
#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "prove/call_text.h"
#include "verify/meaning.h"

namespace bailey::review {
namespace {

constexpr std::string_view kProcess = "process ";
constexpr int kSysAdmin = 21, kSysChroot = 18;

// Sets by number say in words what is open.
std::string SetName(const prove::CallSet& set) {
  if (set.numbers == "unknown") return "numbers that no table names";
  if (set.numbers == "negative") return "negative numbers";
  if (set.numbers == "x32") return "numbers of x32";
  if (set.numbers == "foreign") return "calls of other architectures";
  return {};
}

}  // namespace

std::string Join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string Join(const std::vector<abi::Arch>& archs) {
  std::vector<std::string> names;
  for (const abi::Arch arch : archs) names.emplace_back(abi::Info(arch).name);
  return Join(names);
}

std::string CallName(const bpf::SeccompData& call) {
  const auto arch = prove::ArchOfCall(call.arch, call.nr);
  const std::string_view name = arch ? abi::Name(*arch, call.nr) : std::string_view();
  return name.empty() ? fmt::format("number {:#x}", call.nr) : std::string(name);
}

prove::Subject Judged(const prove::Subject& filter) {
  prove::Subject judged = filter;
  if (std::ranges::find(judged.families, 0) == judged.families.end())
    judged.families.insert(judged.families.begin(), 0);
  return judged;
}

FilterView::FilterView(const Subject& subject)
    : subject_(subject),
      diagram_(verify::ChooseOrder(subject.filter->stack)),
      meaning_(verify::MeaningOf(diagram_, subject.filter->stack, subject.filter->big_endian)),
      prover_(Judged(*subject.filter), diagram_, meaning_) {}

prove::Prover& FilterView::On(abi::Arch arch) {
  const auto found = alone_.find(arch);
  if (found != alone_.end()) return found->second;
  prove::Subject one = prover_.GetSubject();
  one.archs = {arch};
  return alone_.try_emplace(arch, std::move(one), diagram_, meaning_).first->second;
}

prove::Finding FilterView::Prove(std::string_view guarantee) {
  const prove::Guarantee* const found = prover_.Find(guarantee);
  if (found == nullptr) {
    return {
        prove::Verdict::kUndecided, {}, {}, fmt::format("no guarantee is called {}", guarantee)};
  }
  return prover_.Prove(*found);
}

prove::Finding FilterView::ProveSet(prove::Prover& prover, const prove::Guarantee& guarantee,
                                    const prove::CallSet& set) {
  prove::Guarantee alone = guarantee;
  names_.push_back(fmt::format("{}, set {}", guarantee.name, names_.size()));
  alone.name = names_.back();
  alone.calls = {&set, 1};
  alone.rests_on = {};
  return prover.Prove(alone);
}

std::vector<OpenCall> FilterView::OpenCalls(const prove::Guarantee& guarantee) {
  std::vector<OpenCall> open;
  for (const prove::CallSet& set : guarantee.calls) {
    OpenCall one = {.set = &set};
    if (!set.numbers.empty()) {
      prove::Finding finding = ProveSet(prover_, guarantee, set);
      if (!finding.witness) continue;
      one.name = SetName(set);
      one.finding = finding;
      const auto arch = prove::ArchOfCall(finding.witness->arch, finding.witness->nr);
      if (arch) one.archs.push_back(*arch);
      if (one.name.empty()) one.name = CallName(*finding.witness);
      open.push_back(std::move(one));
      continue;
    }
    for (const abi::Arch arch : prover_.GetSubject().archs) {
      prove::Finding finding = ProveSet(On(arch), guarantee, set);
      if (!finding.witness) continue;
      if (one.archs.empty()) one.finding = std::move(finding);
      one.archs.push_back(arch);
    }
    if (one.archs.empty()) continue;
    one.name = CallName(*one.finding.witness);
    open.push_back(std::move(one));
  }
  return open;
}

abi::Action FilterView::AnswerTo(const bpf::SeccompData& call) const {
  return abi::Decode(
      bpf::InterpretStack(subject_.filter->stack, call, subject_.filter->big_endian));
}

std::string FilterView::AnswerText(const bpf::SeccompData& call) const {
  const auto arch = prove::ArchOfCall(call.arch, call.nr);
  return abi::ToString(AnswerTo(call), arch.value_or(abi::NativeArch()));
}

std::vector<Step> FilterView::PathOf(const bpf::SeccompData& call) const {
  std::vector<Step> steps;
  if (subject_.filter->stack.empty()) return steps;
  const bpf::Program& newest = subject_.filter->stack.back();
  const bool big_endian = subject_.filter->big_endian;
  const std::string text = bpf::Disassemble(newest, {.big_endian = big_endian});
  const auto lines = base::Split(text, '\n');
  for (const std::uint32_t pc : bpf::Path(newest, call, big_endian)) {
    if (pc >= lines.size()) break;
    steps.push_back({{subject_.file, 0, 0, pc}, std::string(base::Trim(lines[pc]))});
  }
  return steps;
}

Place FilterView::PlaceOf(const bpf::SeccompData& call) const {
  Place place = {.file = subject_.file};
  if (subject_.filter->stack.empty()) return place;
  const auto run = bpf::Interpret(subject_.filter->stack.back(), call, subject_.filter->big_endian);
  place.pc = run.pc;
  return place;
}

bool FilterView::IsEnterable(const bpf::SeccompData& call) const {
  return std::ranges::any_of(prover_.GetSubject().archs,
                             [&](abi::Arch arch) { return abi::Info(arch).token == call.arch; });
}

bool FilterView::CanGainCapabilities() {
  return Prove("no-new-user-namespace").verdict == prove::Verdict::kRefuted;
}

Reach FilterView::ReachOf(const Topic& topic, const bpf::SeccompData& call, std::string& layer) {
  if (!IsEnterable(call)) {
    layer = "no program of that architecture runs on the machines that the filter is judged for";
    return Reach::kNotEnterable;
  }
  const auto& confinement = subject_.confinement;
  const auto is_own = [&](Namespace kind) {
    return confinement && confinement->own_namespace[static_cast<std::size_t>(kind)] == Known::kYes;
  };
  if (topic.layer == Layer::kNewSession && confinement && confinement->new_session == Known::kYes) {
    layer = "the program has a session of its own, without the caller's terminal";
    return Reach::kOtherLayer;
  }
  if (topic.layer == Layer::kPidNamespace && is_own(Namespace::kPid)) {
    layer = "a process namespace of its own shows the program none but its own processes";
    return Reach::kOtherLayer;
  }
  if (topic.layer == Layer::kNetworkNamespace && is_own(Namespace::kNetwork)) {
    layer = "a network namespace of its own has no traffic but the program's";
    return Reach::kOtherLayer;
  }
  if (topic.need == Need::kNothing) return Reach::kAnyProgram;
  const int capability =
      topic.capability == kSysAdmin && CallName(call) == "chroot" ? kSysChroot : topic.capability;
  const bool holds = confinement && confinement->capabilities &&
                     (*confinement->capabilities >> capability & 1) != 0;
  const bool is_host =
      confinement &&
      confinement->own_namespace[static_cast<std::size_t>(Namespace::kUser)] == Known::kNo;
  if (topic.need == Need::kOwnCapability) {
    if (holds || CanGainCapabilities()) return Reach::kAnyProgram;
    layer = fmt::format(
        "the kernel asks for {}, which the subject does not give, and no user namespace that would "
        "give it can be made",
        CapabilityName(capability));
    return Reach::kPrivilege;
  }
  if (holds && is_host) return Reach::kAnyProgram;
  layer = fmt::format("the kernel asks for {} on the host, which the subject does not give",
                      CapabilityName(capability));
  return Reach::kPrivilege;
}

std::string FilterView::Command(std::string_view guarantee) const {
  if (subject_.file.starts_with(kProcess)) {
    return fmt::format("bailey prove --pid {} --guarantee {}",
                       std::string_view(subject_.file).substr(kProcess.size()), guarantee);
  }
  if (subject_.policy || !subject_.confinement)
    return fmt::format("bailey prove {} --guarantee {}", subject_.file, guarantee);
  return fmt::format("the prover, on the filter of {}: {}", subject_.file, guarantee);
}

std::string FilterView::ArchNames() const { return Join(prover_.GetSubject().archs); }

std::string FilterView::Said(const prove::Finding& finding) const {
  switch (finding.verdict) {
    case prove::Verdict::kProved:
      return fmt::format("proved on {}, for every value of the 64 bytes that a filter sees",
                         ArchNames());
    case prove::Verdict::kRefuted:
      return "refuted: " + prove::WitnessText(finding);
    case prove::Verdict::kUndecided:
      return "undecided: " + prove::WitnessText(finding);
  }
  return {};
}

}  // namespace bailey::review
