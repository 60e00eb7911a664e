// A predicate about arguments, written back in the language of policies.
//
//   auto condition = ConditionOf(diagram, predicate, abi::Arch::kX86_64, "ioctl");
//   if (condition) Print(policy::ToString(*condition));       // "cmd in {TIOCSTI, TIOCLINUX}"
//
// What is written is exact: ConditionDiagram of it is the predicate again.
#pragma once

#include <optional>
#include <string_view>

#include "abi/arch.h"
#include "policy/condition.h"
#include "verify/diagram.h"

namespace bailey::prove {

// The predicate is neither always true nor always false, depends on arguments only, and is of a
// diagram in the order kWordByWord. nullopt when it looks at the instruction pointer, which
// policies cannot, or would need more than `most` cases.
std::optional<policy::Condition> ConditionOf(verify::Diagram& diagram, verify::Ref predicate,
                                             abi::Arch arch, std::string_view syscall,
                                             std::size_t most = 64);

}  // namespace bailey::prove
