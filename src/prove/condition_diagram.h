// A condition of the policy language as a predicate over the words of seccomp_data.
//
//   auto holds = ConditionDiagram(diagram, condition, abi::Arch::kX86_64, "ioctl");
//
// Bits of a register that the kernel does not read for this argument do not matter to the
// predicate: a condition on `cmd` holds for every value of the register's high half.
#pragma once

#include <optional>
#include <string_view>

#include "abi/arch.h"
#include "policy/condition.h"
#include "verify/diagram.h"

namespace bailey::prove {

// nullopt when the condition has no meaning there: no such argument, or a constant that the
// architecture does not define. A rule on a raw number has no `syscall`: its arguments are full
// registers.
std::optional<verify::Ref> ConditionDiagram(verify::Diagram& diagram,
                                            const policy::Condition& condition, abi::Arch arch,
                                            std::string_view syscall);

}  // namespace bailey::prove
