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

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/program.h"
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
  const Subject& GetSubject() const { return subject_; }

 private:
  // One call of a set: a number under a token, and what its arguments must be.
  struct Target {
    std::uint32_t number = 0;
    verify::Ref condition = verify::Diagram::kTrue;
  };

  Finding ProveAlone(const Guarantee& guarantee);
  Finding ProveForm();
  bool IsListed(abi::Arch arch) const;
  // Looks for a call of the guarantee's sets (those with or without a pointer) that is `bad`.
  std::optional<Finding> Look(const Guarantee& guarantee, bool with_pointer, verify::Ref bad);
  std::optional<Finding> LookOn(abi::Arch arch, const CallSet& set, verify::Ref bad);
  std::optional<Finding> LookForForeign(verify::Ref bad);
  // What is refuted by an answer: open ones, or another errno than wanted on this architecture.
  verify::Ref BadOn(abi::Arch arch, const Guarantee& guarantee);
  std::vector<Target> TargetsOf(const CallSet& set, abi::Arch arch);
  std::optional<verify::Ref> ConditionOf(const CallSet& set, abi::Arch arch);
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
  verify::Ref deferred_ = verify::Diagram::kLost;
  std::map<std::string_view, Finding> known_findings_;  // also those under way: no cycle
  bool is_lost_ = false;
};

}  // namespace bailey::prove
