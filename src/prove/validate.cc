#include "prove/validate.h"

#include <fmt/format.h>

#include <utility>

#include "prove/call_text.h"
#include "prove/policy_meaning.h"
#include "verify/meaning.h"
#include "verify/query.h"

namespace bailey::prove {

bool IsBigEndian(const policy::Syscalls& syscalls) {
  const abi::Arch first =
      syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures.front();
  return abi::Info(first).big_endian;
}

base::Status Validate(const policy::Syscalls& syscalls, const bpf::Program& program,
                      const verify::Limits& limits) {
  if (auto validated = ValidateFor(syscalls, program, limits); !validated) return validated.error();
  return {};
}

base::Result<Validated> ValidateFor(const policy::Syscalls& syscalls, const bpf::Program& program,
                                    const verify::Limits& limits) {
  auto owned = std::make_unique<verify::Diagram>(verify::ChooseOrder({&program, 1}), limits);
  verify::Diagram& diagram = *owned;
  const verify::Ref wanted = PolicyMeaning(diagram, syscalls);
  const verify::Ref actual = verify::MeaningOf(diagram, program, IsBigEndian(syscalls));
  switch (verify::Equal(wanted, actual)) {
    case verify::Answer::kYes:
      return Validated{std::move(owned), actual};
    case verify::Answer::kUndecided:
      return base::Unsupported(
          fmt::format("compare filter with policy: undecided, the limit of {} nodes or {} steps "
                      "was reached",
                      limits.nodes, limits.steps));
    case verify::Answer::kNo:
      break;
  }
  diagram.Refill();
  const verify::Witness witness = verify::FindWitness(diagram, diagram.Differ(wanted, actual));
  const auto is = verify::OutcomeFor(diagram, actual, witness.data);
  const auto want = verify::OutcomeFor(diagram, wanted, witness.data);
  if (witness.found != verify::Answer::kYes || !is || !want)
    return base::Violation(
        "compare filter with policy: they differ, and no call was found in time");
  return base::Violation(fmt::format(
      "compare filter with policy: for {}, the filter answers {} and the policy says {}",
      CallText(witness.data), OutcomeText(*is, witness.data.arch),
      OutcomeText(*want, witness.data.arch)));
}

}  // namespace bailey::prove
