// Any bytes as a filter, proved: the meaning within its limits is what the interpreter answers, and
// every guarantee about it has a verdict whose witness the filter answers so.
#include "bpf/interpreter.h"
#include "input.h"
#include "prove/guarantee.h"
#include "prove/prover.h"
#include "verify/meaning.h"
#include "verify/query.h"

using namespace bailey;

namespace {

constexpr verify::Limits kLimits = {.nodes = 20'000, .steps = 100'000};

verify::Outcome Effect(const bpf::Program& program, const bpf::SeccompData& call, bool big_endian) {
  return verify::EffectOf(verify::OutcomeOf(bpf::Interpret(program, call, big_endian).value));
}

// Calls made of the input's own words, so that comparisons hold.
bpf::SeccompData CallFrom(const bpf::Program& program, std::size_t at) {
  const auto instructions = program.Instructions();
  const auto word = [&](std::size_t i) { return instructions[(at + i) % instructions.size()].k; };
  bpf::SeccompData call = {.nr = word(0), .arch = word(1)};
  for (std::size_t i = 0; i < 6; ++i)
    call.args[i] = std::uint64_t{word(2 * i + 3)} << 32 | word(2 * i + 2);
  return call;
}

void Prove(const bpf::Program& program) {
  prove::Prover prover({.stack = {program},
                        .archs = prove::MachineArchs(std::vector{abi::Arch::kX86_64}),
                        .listed = {abi::Arch::kX86_64}},
                       {}, kLimits);
  for (const prove::Guarantee& one : prove::BuiltinGuarantees()) {
    const prove::Finding finding = prover.Prove(one);
    Demand(finding.verdict != prove::Verdict::kUndecided || !finding.reason.empty(),
           "undecided has a reason");
    if (!finding.witness || !finding.answer || one.wants == prove::Wants::kWellFormed) continue;
    Demand(Effect(program, *finding.witness, false) == *finding.answer,
           "a witness is answered as it says");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto program = bpf::Read({data, size});
  if (!program) return 0;
  for (const bool big_endian : {false, true}) {
    verify::Diagram diagram(verify::ChooseOrder({&*program, 1}), kLimits);
    const verify::Ref meaning = verify::MeaningOf(diagram, *program, big_endian);
    if (meaning == verify::Diagram::kLost) continue;
    for (std::size_t at = 0; at < 8; ++at) {
      const bpf::SeccompData call = CallFrom(*program, at);
      const auto said = verify::OutcomeFor(diagram, meaning, call);
      Demand(said && *said == Effect(*program, call, big_endian), "the meaning is what it answers");
    }
  }
  Prove(*program);
  return 0;
}
