#include "prove/prover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/condition.h"
#include "prove/call_text.h"
#include "prove/condition_diagram.h"
#include "prove/validate.h"
#include "verify/meaning.h"
#include "verify/predicate.h"
#include "verify/query.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using verify::Diagram;
using verify::Outcome;
using verify::Ref;
using verify::Span;
using verify::Word;

constexpr std::uint32_t kSignBit = 0x80000000;
constexpr std::uint32_t kLastNumber = 0xffffffff;
constexpr std::string_view kFamilies = "{$families}";

abi::ActionKind KindOf(Outcome outcome) { return abi::Decode(verify::ValueOf(outcome)).kind; }

bool IsFakeSuccess(Outcome outcome) {
  return KindOf(outcome) == abi::ActionKind::kErrno && outcome.data == 0;
}

bool IsOpen(Outcome outcome) {
  const abi::ActionKind kind = KindOf(outcome);
  return kind == abi::ActionKind::kAllow || kind == abi::ActionKind::kLog || IsFakeSuccess(outcome);
}

bool IsDeferred(Outcome outcome) {
  const abi::ActionKind kind = KindOf(outcome);
  return kind == abi::ActionKind::kNotify || kind == abi::ActionKind::kTrace;
}

// Whether some return of the programs, reached or not, may be one of these.
bool MayReturn(std::span<const bpf::Program> stack, bool (*is_one)(Outcome)) {
  const auto may_return = [&](const bpf::Instruction& instruction) {
    return instruction.code == bpf::kReturnA ||
           (instruction.code == bpf::kReturn && is_one(verify::OutcomeOf(instruction.k)));
  };
  return std::ranges::any_of(stack, [&](const bpf::Program& program) {
    return std::ranges::any_of(program.Instructions(), may_return);
  });
}

bool IsUnknownAction(Outcome outcome) { return !verify::IsKnownAction(outcome); }

// The rest of a function whose `word` is known; only for words that nothing above is open to.
Ref Walk(const Diagram& diagram, Ref ref, Word word, std::uint32_t value) {
  while (!Diagram::IsTerminal(ref) && diagram.WordAt(diagram.Level(ref)) == word) {
    const unsigned shift = Diagram::kDigitBits * diagram.DigitAt(diagram.Level(ref));
    ref = diagram.ChildrenOf(ref)[value >> shift & (Diagram::kFanOut - 1)];
  }
  return ref;
}

// Numbers 335 and 336 of x86_64 pass whatever a filter says (kernel/seccomp.c since 6.14 and 6.18:
// __secure_computing skips uretprobe and uprobe).
bool IsNeverFiltered(Arch arch, std::string_view call) {
  return arch == Arch::kX86_64 && (call == "uretprobe" || call == "uprobe");
}

Finding Undecided(std::string reason) { return {Verdict::kUndecided, {}, {}, std::move(reason)}; }

Finding OutOfLimits() {
  return Undecided("the limit of nodes or steps was reached before an answer");
}

const abi::Multiplexed* FindSubcall(std::span<const abi::Multiplexed> table,
                                    std::string_view call) {
  const auto found = std::ranges::find(table, call, &abi::Multiplexed::name);
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

std::string WitnessText(const Finding& finding) {
  std::string text;
  if (finding.witness) {
    text = CallText(*finding.witness);
    if (finding.answer)
      text += fmt::format(" -> {}", OutcomeText(*finding.answer, finding.witness->arch));
  }
  if (finding.reason.empty()) return text;
  return text.empty() ? finding.reason : fmt::format("{} ({})", text, finding.reason);
}

std::vector<Arch> MachineArchs(std::span<const Arch> archs) {
  static const std::array<std::vector<Arch>, 8> kMachines = {
      {{Arch::kX86_64, Arch::kI386, Arch::kX32},
       {Arch::kAarch64, Arch::kArm},
       {Arch::kMips64, Arch::kMips64n32, Arch::kMips},
       {Arch::kMipsel64, Arch::kMipsel64n32, Arch::kMipsel},
       {Arch::kParisc64, Arch::kParisc},
       {Arch::kPpc64, Arch::kPpc},
       {Arch::kS390x, Arch::kS390}}};
  std::vector<Arch> all;
  const auto add = [&](Arch arch) {
    if (std::ranges::find(all, arch) == all.end()) all.push_back(arch);
  };
  for (const Arch arch : archs) add(arch);
  for (const Arch arch : archs) {
    for (const std::vector<Arch>& machine : kMachines) {
      if (std::ranges::find(machine, arch) == machine.end()) continue;
      for (const Arch other : machine) add(other);
    }
  }
  return all;
}

Subject SubjectOf(const policy::Syscalls& syscalls, bpf::Program program) {
  Subject subject;
  for (const policy::StackedFilter& stacked : syscalls.stack)
    subject.stack.push_back(stacked.program);
  subject.stack.push_back(std::move(program));
  subject.listed = syscalls.architectures;
  subject.archs = MachineArchs(syscalls.architectures);
  subject.big_endian = IsBigEndian(syscalls);
  if (syscalls.socket_families) subject.families = *syscalls.socket_families;
  return subject;
}

Prover::Prover(Subject subject, std::span<const Guarantee> known, const verify::Limits& limits)
    : subject_(std::move(subject)),
      known_(known),
      owned_(std::make_unique<Diagram>(verify::ChooseOrder(subject_.stack), limits)),
      diagram_(*owned_),
      meaning_(verify::MeaningOf(diagram_, subject_.stack, subject_.big_endian)) {
  FindAnswers();
}

Prover::Prover(Subject subject, Diagram& diagram, Ref meaning)
    : subject_(std::move(subject)), diagram_(diagram), meaning_(meaning) {
  FindAnswers();
}

void Prover::FindAnswers() {
  open_ = verify::Where(diagram_, meaning_, IsOpen);
  // Few filters leave an answer to somebody else.
  if (MayReturn(subject_.stack, IsDeferred))
    deferred_ = verify::Where(diagram_, meaning_, IsDeferred);
}

const Guarantee* Prover::Find(std::string_view name) const {
  for (const auto list : {known_, BuiltinGuarantees()}) {
    const auto found = std::ranges::find(list, name, &Guarantee::name);
    if (found != list.end()) return &*found;
  }
  return nullptr;
}

std::vector<std::uint32_t> Prover::NumbersNamed(const Guarantee& guarantee, Arch arch) {
  std::vector<std::uint32_t> numbers;
  for (const CallSet& set : guarantee.calls) {
    if (!set.numbers.empty()) continue;
    for (const Target& target : TargetsOf(set, arch)) numbers.push_back(target.number);
  }
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
  return numbers;
}

Finding Prover::Witnessed(Verdict verdict, const bpf::SeccompData& data, std::string reason) const {
  return {verdict, data, verify::OutcomeFor(diagram_, meaning_, data), std::move(reason)};
}

bool Prover::IsListed(Arch arch) const {
  return std::ranges::find(subject_.listed, arch) != subject_.listed.end();
}

Finding Prover::Prove(const Guarantee& guarantee) {
  const auto known = known_findings_.find(guarantee.name);
  if (known != known_findings_.end()) return known->second;
  // While it is under way it holds for those that it rests on: a circle proves nothing more.
  known_findings_[guarantee.name] = {Verdict::kProved, {}, {}, {}};
  diagram_.Refill();
  Finding finding = ProveAlone(guarantee);
  for (const std::string_view name : guarantee.rests_on) {
    if (finding.verdict != Verdict::kProved) break;
    const Guarantee* const other = Find(name);
    if (other == nullptr) {
      finding = Undecided(fmt::format("rests on {}, which is not defined", name));
      break;
    }
    Finding below = Prove(*other);
    if (below.verdict == Verdict::kProved) continue;
    below.reason = below.reason.empty() ? fmt::format("through {}", name)
                                        : fmt::format("through {}: {}", name, below.reason);
    finding = std::move(below);
  }
  known_findings_[guarantee.name] = finding;
  return finding;
}

Finding Prover::ProveAlone(const Guarantee& guarantee) {
  if (meaning_ == Diagram::kLost || open_ == Diagram::kLost || deferred_ == Diagram::kLost)
    return OutOfLimits();
  if (guarantee.wants == Wants::kWellFormed) return ProveForm();
  is_lost_ = false;
  conditions_.clear();
  if (auto found = Look(guarantee, false, Answers::kOpen)) return *std::move(found);
  if (is_lost_) return OutOfLimits();
  for (const CallSet& set : guarantee.calls) {
    for (const Arch arch : subject_.archs) {
      if (!IsNeverFiltered(arch, set.call)) continue;
      return Undecided(fmt::format("the kernel passes {} {} ({}) whatever a filter says",
                                   abi::Info(arch).name, *abi::Number(arch, set.call), set.call));
    }
  }
  if (std::string silence = SilenceOf(guarantee); !silence.empty())
    return Undecided(std::move(silence));
  if (guarantee.wants == Wants::kClosed) {
    if (auto found = Look(guarantee, false, Answers::kDeferred)) {
      found->verdict = Verdict::kUndecided;
      found->reason = "a tracer or a supervisor answers, which the filter does not show";
      return *std::move(found);
    }
    if (auto found = Look(guarantee, true, Answers::kOpen)) {
      found->verdict = Verdict::kUndecided;
      return *std::move(found);
    }
  }
  return is_lost_ ? OutOfLimits() : Finding{Verdict::kProved, {}, {}, {}};
}

std::optional<Finding> Prover::Look(const Guarantee& guarantee, bool with_pointer,
                                    Answers answers) {
  if (answers == Answers::kDeferred && deferred_ == Diagram::kFalse) return std::nullopt;
  for (const CallSet& set : guarantee.calls) {
    if (set.pointer.empty() == with_pointer || set.numbers != "foreign") continue;
    if (auto found = LookForForeign(answers)) return found;
  }
  for (const Arch arch : subject_.archs) {
    // Errnos are for programs that run: on a foreign architecture none does.
    if (guarantee.wants == Wants::kErrno && !IsListed(arch)) continue;
    for (const CallSet& set : guarantee.calls) {
      if (set.pointer.empty() == with_pointer) continue;
      auto found = LookOn(arch, guarantee, set, answers);
      if (!found) continue;
      if (with_pointer) found->reason = fmt::format("behind a pointer: {}", set.pointer);
      return found;
    }
  }
  return std::nullopt;
}

Ref Prover::Answered(Answers answers, Arch arch) const {
  const Ref all = answers == Answers::kOpen ? open_ : deferred_;
  return Walk(diagram_, all, Word::kArch, abi::Info(arch).token);
}

Ref Prover::BadIn(Arch arch, const Guarantee& guarantee, Ref part) {
  if (guarantee.wants == Wants::kNoFakeSuccess) return verify::Where(diagram_, part, IsFakeSuccess);
  const auto wanted = abi::ErrnoNumber(arch, guarantee.errno_name);
  return verify::Where(diagram_, part, [&](Outcome outcome) {
    const bool is_wanted = KindOf(outcome) == abi::ActionKind::kErrno && outcome.data == wanted;
    return !is_wanted && (!IsOpen(outcome) || IsFakeSuccess(outcome));
  });
}

std::optional<Finding> Prover::LookForForeign(Answers answers) {
  std::vector<Span> listed;
  for (const Arch arch : subject_.listed) {
    const std::uint32_t token = abi::Info(arch).token;
    listed.push_back({token, token, Diagram::kFalse});
  }
  std::ranges::sort(listed, {}, &Span::first);
  const auto rest = std::ranges::unique(listed);
  listed.erase(rest.begin(), rest.end());
  const Ref foreign = verify::Switch(diagram_, Word::kArch, listed, Diagram::kTrue);
  // A token that some table has makes a better witness.
  for (const Arch arch : subject_.archs) {
    const std::uint32_t token = abi::Info(arch).token;
    if (Walk(diagram_, foreign, Word::kArch, token) == Diagram::kFalse) continue;
    verify::Witness witness = verify::FindWitness(diagram_, Answered(answers, arch));
    if (witness.found != verify::Answer::kYes) continue;
    witness.data.arch = token;
    return Witnessed(Verdict::kRefuted, witness.data, "");
  }
  const auto look = [&](Ref calls, Ref answered) {
    const verify::Witness witness = verify::FindWitness(diagram_, diagram_.And(calls, answered));
    is_lost_ = is_lost_ || witness.found == verify::Answer::kUndecided;
    return witness;
  };
  // x32 shares x86_64's token: its numbers are foreign where only x86_64 is listed.
  if (IsListed(Arch::kX86_64) && !IsListed(Arch::kX32)) {
    verify::Witness x32 = look(NumbersOf(Arch::kX32, "x32"), Answered(answers, Arch::kX32));
    x32.data.arch = abi::Info(Arch::kX32).token;
    if (x32.found == verify::Answer::kYes) return Witnessed(Verdict::kRefuted, x32.data, "");
  }
  const verify::Witness witness = look(foreign, answers == Answers::kOpen ? open_ : deferred_);
  if (witness.found == verify::Answer::kYes) return Witnessed(Verdict::kRefuted, witness.data, "");
  return std::nullopt;
}

std::optional<Finding> Prover::LookOn(Arch arch, const Guarantee& guarantee, const CallSet& set,
                                      Answers answers) {
  const bool judges = guarantee.wants != Wants::kClosed;
  const Ref here = judges ? Walk(diagram_, meaning_, Word::kArch, abi::Info(arch).token)
                          : Answered(answers, arch);
  const auto look = [&](Ref bad) -> std::optional<bpf::SeccompData> {
    const verify::Witness witness = verify::FindWitness(diagram_, bad);
    is_lost_ = is_lost_ || witness.found == verify::Answer::kUndecided;
    if (witness.found != verify::Answer::kYes) return std::nullopt;
    bpf::SeccompData data = witness.data;
    data.arch = abi::Info(arch).token;
    return data;
  };
  if (!set.numbers.empty()) {
    const Ref bad = judges ? BadIn(arch, guarantee, here) : here;
    if (const auto data = look(diagram_.And(NumbersOf(arch, set.numbers), bad)))
      return Witnessed(Verdict::kRefuted, *data, "");
    return std::nullopt;
  }
  for (const Target& target : TargetsOf(set, arch)) {
    const Ref part = Walk(diagram_, here, Word::kNr, target.number);
    const Ref bad = judges ? BadIn(arch, guarantee, part) : part;
    // Most calls are closed whatever their arguments: then the condition is not looked at.
    if (bad == Diagram::kFalse) continue;
    const auto condition =
        target.selector ? verify::Compare(diagram_, verify::LowHalf(0), verify::Relation::kEqual,
                                          target.selector->value, target.selector->mask)
                        : ConditionOf(set, arch);
    if (!condition) continue;
    auto data = look(diagram_.And(*condition, bad));
    if (!data) continue;
    data->nr = target.number;
    return Witnessed(Verdict::kRefuted, *data, "");
  }
  return std::nullopt;
}

Prover::Condition Prover::ReadCondition(const CallSet& set) const {
  Condition condition = {.set = &set};
  std::string text(set.when);
  if (const auto at = text.find(kFamilies); at != std::string::npos) {
    if (subject_.families.empty()) return condition;
    text.replace(at, kFamilies.size(), fmt::format("{{{}}}", fmt::join(subject_.families, ", ")));
  }
  auto parsed = policy::ParseCondition(text);
  condition.is_valid = parsed.has_value();
  if (parsed) condition.parsed = *std::move(parsed);
  return condition;
}

std::optional<Ref> Prover::ConditionOf(const CallSet& set, Arch arch) {
  if (set.when.empty()) return Diagram::kTrue;
  auto known = std::ranges::find(conditions_, &set, &Condition::set);
  if (known == conditions_.end()) {
    conditions_.push_back(ReadCondition(set));
    known = conditions_.end() - 1;
  }
  if (!known->is_valid) return std::nullopt;
  if (!known->parsed) return Diagram::kTrue;
  for (const auto& [other, holds] : known->holds) {
    if (other == arch) return holds;
  }
  known->holds.emplace_back(arch, ConditionDiagram(diagram_, *known->parsed, arch, set.call));
  return known->holds.back().second;
}

Prover::Targets Prover::TargetsOf(const CallSet& set, Arch arch) {
  Targets targets;
  const bool is_here = set.archs.empty() || std::ranges::any_of(set.archs, [&](auto name) {
                         return abi::FindArch(name) == arch;
                       });
  if (!is_here || IsNeverFiltered(arch, set.call)) return targets;
  const auto number = abi::Number(arch, set.call);
  if (number) targets.Add({*number, std::nullopt});
  if (number && arch == Arch::kX32) {
    const std::uint32_t plain = *number & ~abi::kX32Bit;
    if (plain >= abi::kX32FirstOwn && plain <= abi::kX32LastOwn) targets.Add({plain, std::nullopt});
  }
  const auto add_subcall = [&](bool has, std::span<const abi::Multiplexed> table,
                               std::string_view multiplexer, std::uint32_t mask) {
    const abi::Multiplexed* const subcall = has ? FindSubcall(table, set.call) : nullptr;
    if (subcall == nullptr) return;
    if (const auto through = abi::Number(arch, multiplexer))
      targets.Add({*through, Selector{subcall->selector, mask}});
  };
  const abi::ArchInfo& info = abi::Info(arch);
  add_subcall(info.has_socketcall, abi::SocketcallTable(), "socketcall", 0xffffffff);
  add_subcall(info.has_ipc, abi::IpcTable(), "ipc", 0xffff);
  return targets;
}

Ref Prover::NumbersOf(Arch arch, std::string_view numbers) {
  constexpr Ref kFalse = Diagram::kFalse;
  const bool is_x86_token = abi::Info(arch).token == abi::Info(Arch::kX86_64).token;
  std::vector<Span> spans;
  if (numbers == "all") return Diagram::kTrue;
  if (numbers == "negative") {
    // -1 is what a tracer leaves to skip a call: it is never made.
    spans = {{kSignBit, kLastNumber - 1, Diagram::kTrue}};
  } else if (numbers == "x32" && is_x86_token) {
    spans = {{abi::kX32FirstOwn, abi::kX32LastOwn, Diagram::kTrue},
             {abi::kX32Bit, kSignBit - 1, Diagram::kTrue}};
  } else if (numbers == "unknown") {
    for (const abi::Syscall& call : abi::Syscalls(arch))
      spans.push_back({call.number, call.number, kFalse});
    if (arch == Arch::kX86_64) spans.push_back({abi::kX32FirstOwn, abi::kX32LastOwn, kFalse});
    if (arch == Arch::kX86_64) spans.push_back({abi::kX32Bit, kSignBit - 1, kFalse});
    if (arch == Arch::kX32) spans.insert(spans.begin(), {0, abi::kX32Bit - 1, kFalse});
    spans.push_back({kSignBit, kLastNumber, kFalse});
    std::ranges::sort(spans, {}, &Span::first);
    return verify::Switch(diagram_, Word::kNr, spans, Diagram::kTrue);
  }
  return verify::Switch(diagram_, Word::kNr, spans);
}

std::string Prover::SilenceOf(const Guarantee& guarantee) {
  for (const CallSet& set : guarantee.calls) {
    const bool has_x32 = std::ranges::any_of(subject_.archs, [](Arch arch) {
      return abi::Info(arch).token == abi::Info(Arch::kX86_64).token;
    });
    if (set.numbers == "x32" && !has_x32) return "x32 is on no machine in play";
    if (!set.numbers.empty()) return {};
  }
  for (const Arch arch : subject_.archs) {
    bool says_something = false;
    for (const CallSet& set : guarantee.calls) {
      const Says says = SaysAbout(guarantee, set, arch);
      says_something = says_something || says == Says::kSomething;
      if (says == Says::kNonsense) {
        return fmt::format("its condition on {} has no meaning on {}", set.call,
                           abi::Info(arch).name);
      }
    }
    if (says_something) continue;
    // Where every call of the architecture is closed there is nothing left to say.
    const Ref own = arch == Arch::kX32 ? NumbersOf(arch, "x32") : Diagram::kTrue;
    const Ref open = Answered(Answers::kOpen, arch);
    if (verify::Overlap(diagram_, own, open) == verify::Answer::kNo) continue;
    return fmt::format("it says nothing about {}", abi::Info(arch).name);
  }
  return {};
}

Prover::Says Prover::SaysAbout(const Guarantee& guarantee, const CallSet& set, Arch arch) {
  bool says_something = false;
  for (const Target& target : TargetsOf(set, arch)) {
    says_something = true;
    if (target.selector || set.when.empty()) continue;
    // Of a call that is closed whatever its arguments, no condition leaves anything open.
    const auto never = [&](Answers answers) {
      return Walk(diagram_, Answered(answers, arch), Word::kNr, target.number) == Diagram::kFalse;
    };
    const bool is_closed =
        guarantee.wants == Wants::kClosed && never(Answers::kOpen) && never(Answers::kDeferred);
    if (!is_closed && !ConditionOf(set, arch))
      return set.archs.empty() ? Says::kNonsense : Says::kNothing;
  }
  return says_something ? Says::kSomething : Says::kNothing;
}

Finding Prover::ProveForm() {
  for (const bpf::Program& program : subject_.stack) {
    Ref unknown = Diagram::kFalse;
    if (MayReturn({&program, 1}, IsUnknownAction)) {
      const Ref returns = verify::ReturnsOf(diagram_, program, subject_.big_endian);
      unknown = verify::Where(diagram_, returns, IsUnknownAction);
    }
    const verify::Witness witness = verify::FindWitness(diagram_, unknown);
    if (witness.found == verify::Answer::kUndecided) return OutOfLimits();
    if (witness.found == verify::Answer::kYes)
      return Witnessed(Verdict::kRefuted, witness.data, "an action that the kernel does not know");
    const auto instructions = program.Instructions();
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      const bpf::Instruction& instruction = instructions[pc];
      const abi::Action action = abi::Decode(instruction.k);
      if (instruction.code == bpf::kReturn && action.kind == abi::ActionKind::kErrno &&
          instruction.k != abi::Encode(action)) {
        return {Verdict::kRefuted,
                {},
                {},
                fmt::format("pc {} returns an errno above 4095, which the kernel cuts", pc)};
      }
      if (instruction.code == (bpf::kDiv | bpf::kX))
        return Undecided(fmt::format("pc {} divides by X, which may be zero", pc));
    }
  }
  return {Verdict::kProved, {}, {}, {}};
}

}  // namespace bailey::prove
