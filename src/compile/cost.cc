#include "compile/cost.h"

#include <algorithm>
#include <functional>
#include <set>

namespace bailey::compile {
namespace {

// Not recursive: decisions may be deeper than the stack.
std::size_t CountTests(const Graph& graph, NodeId root) {
  std::set<NodeId> seen;
  std::vector<NodeId> open = {root};
  std::size_t tests = 0;
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    if (graph.IsLeaf(node) || !seen.insert(node).second) continue;
    tests += graph.Pieces(node).size() - 1;
    for (const Piece& piece : graph.Pieces(node)) open.push_back(piece.next);
  }
  return tests;
}

}  // namespace

std::vector<CallCost> CostliestCalls(const Graph& graph, const Resolved& resolved) {
  std::set<NodeId> measured;
  std::vector<CallCost> costs;
  for (const Call& call : resolved.calls) {
    if (graph.IsLeaf(call.decision) || !measured.insert(call.decision).second) continue;
    costs.push_back({&call, CountTests(graph, call.decision)});
  }
  std::ranges::stable_sort(costs, std::ranges::greater(), &CallCost::tests);
  return costs;
}

}  // namespace bailey::compile
