// What changes between two filters, or stacks: which calls, from which answer to which, when.
//
//   verify::Diagram diagram;
//   Ref before = MeaningOf(diagram, old_stack, false);
//   Ref after = MeaningOf(diagram, new_stack, false);
//   auto changes = ListChanges(diagram, before, after);   // empty: equal for all 64 bytes
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "bpf/instruction.h"
#include "verify/diagram.h"
#include "verify/outcome.h"

namespace bailey::prove {

enum class ChangeKind : std::uint8_t { kNewlyAllowed, kNewlyDenied, kOther };

struct Change {
  ChangeKind kind = ChangeKind::kOther;
  std::optional<abi::Arch> arch;  // none: tokens of no table, or all the others alike
  std::string what;               // "ioctl", "numbers that no table names"
  std::string when;               // empty: always
  verify::Outcome from, to;
  bpf::SeccompData witness;
};

// nullopt when the diagram's limits were reached.
std::optional<std::vector<Change>> ListChanges(verify::Diagram& diagram, verify::Ref before,
                                               verify::Ref after);

// 0: kills, traps or is an errno; 1: someone else answers; 2: the call is made, or said to be.
unsigned Openness(verify::Outcome outcome);

}  // namespace bailey::prove
