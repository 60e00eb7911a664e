// Conditions as switches: each comparison becomes a set of values of (argument & mask), at the
// width and sign that the kernel gives the argument, and the set a switch over one or two words.
#pragma once

#include <string_view>

#include "abi/arch.h"
#include "base/result.h"
#include "compile/graph.h"
#include "policy/condition.h"

namespace bailey::compile {

struct ConditionContext {
  abi::Arch arch;
  std::string_view syscall;  // empty for a rule on a raw number: its arguments are full registers
};

// Goes to `yes` where the condition holds and to `no` elsewhere. Errors say what of the condition
// has no meaning on the architecture, without naming the rule.
base::Result<NodeId> BuildCondition(Graph& graph, const ConditionContext& context,
                                    const policy::Condition& condition, NodeId yes, NodeId no);

}  // namespace bailey::compile
