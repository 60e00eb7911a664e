// Any TOML as guarantees: what is read has a sentence and calls, and is proved, refuted or
// undecided about a filter within the limits; a refuted one has a call that the filter leaves open.
#include "prove/guarantee.h"

#include "bpf/interpreter.h"
#include "input.h"
#include "prove/prover.h"

using namespace bailey;

namespace {

// x86_64 only: ioctl's second argument is looked at, socket is denied, all else is allowed.
bpf::Program SmallFilter() {
  return *bpf::Validate({{bpf::kLoadAbs, 0, 0, 4},
                         {bpf::kJeq, 1, 0, 0xc000003e},
                         {bpf::kReturn, 0, 0, 0x80000000},
                         {bpf::kLoadAbs, 0, 0, 0},
                         {bpf::kJeq, 4, 0, 41},
                         {bpf::kJeq, 0, 2, 16},
                         {bpf::kLoadAbs, 0, 0, 24},
                         {bpf::kJeq, 1, 0, 0x5412},
                         {bpf::kReturn, 0, 0, 0x7fff0000},
                         {bpf::kReturn, 0, 0, 0x00050001}});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = prove::GuaranteeFile::Parse(std::string(Text(data, size)), "fuzz.toml");
  if (!file) {
    Demand(!file.error().text.empty(), "an error says something");
    return 0;
  }
  const bpf::Program filter = SmallFilter();
  const prove::Subject subject = {.stack = {filter},
                                  .archs = prove::MachineArchs(std::vector{abi::Arch::kX86_64}),
                                  .listed = {abi::Arch::kX86_64}};
  prove::Prover prover(subject, file->Guarantees(), {.nodes = 20'000, .steps = 100'000});
  std::size_t proved = 0;
  for (const prove::Guarantee& one : file->Guarantees()) {
    Demand(!one.name.empty() || !one.calls.empty(), "a guarantee has calls");
    if (++proved > 32) break;  // each is bounded; how many there are is not
    const prove::Finding finding = prover.Prove(one);
    if (finding.verdict == prove::Verdict::kUndecided)
      Demand(!finding.reason.empty(), "undecided has a reason");
    if (!finding.witness || !finding.answer) continue;
    const bpf::Run run = bpf::Interpret(filter, *finding.witness, false);
    Demand(verify::EffectOf(verify::OutcomeOf(run.value)) == *finding.answer,
           "a witness is answered as it says");
    Demand(!prove::WitnessText(finding).empty(), "a witness can be shown");
  }
  return 0;
}
