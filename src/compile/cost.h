// Which calls make a filter long.
#pragma once

#include <cstddef>
#include <vector>

#include "compile/graph.h"
#include "compile/resolve.h"

namespace bailey::compile {

struct CallCost {
  const Call* call;
  std::size_t tests;  // of arguments, in and below its decision
};

// Most tests first, calls without any left out. Calls that share one decision are named once, by
// the first of them; what `resolved` holds must outlive this.
std::vector<CallCost> CostliestCalls(const Graph& graph, const Resolved& resolved);

}  // namespace bailey::compile
