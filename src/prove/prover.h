// Decides guarantees about what filters do.
//
//   Subject subject = {.stack = {program}, .archs = MachineArchs({abi::Arch::kX86_64})};
//   Prover prover(subject);
//   for (const Guarantee& one : BuiltinGuarantees()) Print(prover.Prove(one));
//
// A guarantee is proved when no call of its set, on any architecture in play, for any value of what
// the kernel does not read, has an open answer: allow, log, or an errno of 0. An answer by a tracer
// or a supervisor (trace, notify) is neither: undecided. A multiplexer that reaches a named call is
// part of the set, whatever the condition: its arguments are behind a pointer.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bpf/program.h"
#include "policy/condition.h"
#include "policy/policy.h"
#include "prove/guarantee.h"
#include "verify/diagram.h"
#include "verify/outcome.h"

namespace bailey::prove {

enum class Verdict : std::uint8_t { kProved, kRefuted, kUndecided };

struct Finding {
  Verdict verdict = Verdict::kUndecided;
  std::optional<bpf::SeccompData> witness;  // where refuted, or answered by someone else
  std::optional<verify::Outcome> answer;    // of the filters to the witness
  std::string reason;                       // of an undecided; "through no-io-uring"
};

// "i386: socketcall(call=1 /* SYS_SOCKET */, args=0) -> allow", or the reason, or both.
std::string WitnessText(const Finding& finding);

struct Subject {
  std::vector<bpf::Program> stack;  // oldest first
  std::vector<abi::Arch> archs;     // in play
  std::vector<abi::Arch> listed;    // that the filter is for; others are foreign
  std::vector<std::uint16_t> families = {1, 2, 10, 16};
  bool big_endian = false;
};

// What a policy's filter is judged on: with those that it stacks below it.
Subject SubjectOf(const policy::Syscalls& syscalls, bpf::Program program);
// Every architecture that a machine which has one of these may run.
std::vector<abi::Arch> MachineArchs(std::span<const abi::Arch> archs);

class Prover {
 public:
  // `known`: where `rests_on` is looked up, before the catalogue.
  explicit Prover(Subject subject, std::span<const Guarantee> known = {},
                  const verify::Limits& limits = {});
  // For a subject whose meaning is known: `meaning` in `diagram`, which outlives the prover.
  Prover(Subject subject, verify::Diagram& diagram, verify::Ref meaning);

  Finding Prove(const Guarantee& guarantee);
  const Guarantee* Find(std::string_view name) const;
  // The numbers on `arch` whose calls the guarantee speaks of, sorted; those of multiplexers that
  // reach one too. Not those of sets of numbers ("unknown").
  std::vector<std::uint32_t> NumbersNamed(const Guarantee& guarantee, abi::Arch arch);
  const Subject& GetSubject() const { return subject_; }

 private:
  // One call of a set: a number under a token, and, through a multiplexer, what selects it.
  struct Selector {
    std::uint32_t value = 0;
    std::uint32_t mask = 0;
  };
  struct Target {
    std::uint32_t number = 0;
    std::optional<Selector> selector;
  };
  // At most: its number, x32's without the bit, socketcall, ipc.
  struct Targets {
    std::array<Target, 4> all;
    std::size_t size = 0;
    void Add(const Target& target) { all[size++] = target; }
    const Target* begin() const { return all.data(); }
    const Target* end() const { return all.data() + size; }
  };
  // A set's condition, read once, and what it is on each architecture that was asked for.
  struct Condition {
    const CallSet* set = nullptr;
    std::optional<policy::Condition> parsed;  // none: it always holds
    bool is_valid = true;
    std::vector<std::pair<abi::Arch, std::optional<verify::Ref>>> holds;
  };

  // Which answers are looked for: those that leave a call open, or to somebody else.
  enum class Answers : std::uint8_t { kOpen, kDeferred };

  void FindAnswers();
  Finding ProveAlone(const Guarantee& guarantee);
  Finding ProveForm();
  bool IsListed(abi::Arch arch) const;
  // Looks for a call of the guarantee's sets (those with or without a pointer) that is answered so.
  std::optional<Finding> Look(const Guarantee& guarantee, bool with_pointer, Answers answers);
  std::optional<Finding> LookOn(abi::Arch arch, const Guarantee& guarantee, const CallSet& set,
                                Answers answers);
  std::optional<Finding> LookForForeign(Answers answers);
  // Where the filters answer so: on one architecture, for each of its numbers and arguments.
  verify::Ref Answered(Answers answers, abi::Arch arch) const;
  // Where a guarantee does not only ask for closed calls: the outcomes in a part that refute it.
  verify::Ref BadIn(abi::Arch arch, const Guarantee& guarantee, verify::Ref part);
  static Targets TargetsOf(const CallSet& set, abi::Arch arch);
  Condition ReadCondition(const CallSet& set) const;
  std::optional<verify::Ref> ConditionOf(const CallSet& set, abi::Arch arch);
  // Whether a set says something about an architecture, or cannot: its condition has no meaning.
  enum class Says : std::uint8_t { kSomething, kNothing, kNonsense };
  Says SaysAbout(const Guarantee& guarantee, const CallSet& set, abi::Arch arch);
  verify::Ref NumbersOf(abi::Arch arch, std::string_view numbers);
  // Why it is silent about an architecture in play; empty when it is not.
  std::string SilenceOf(const Guarantee& guarantee);
  Finding Witnessed(Verdict verdict, const bpf::SeccompData& data, std::string reason) const;

  Subject subject_;
  std::span<const Guarantee> known_;
  std::unique_ptr<verify::Diagram> owned_;
  verify::Diagram& diagram_;
  verify::Ref meaning_ = verify::Diagram::kLost;
  verify::Ref open_ = verify::Diagram::kLost;
  verify::Ref deferred_ = verify::Diagram::kFalse;
  std::map<std::string_view, Finding> known_findings_;  // also those under way: no cycle
  std::vector<Condition> conditions_;                   // of the guarantee that is being proved
  bool is_lost_ = false;
};

}  // namespace bailey::prove
