#include "compile/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "abi/action.h"
#include "compile/code.h"
#include "compile/cost.h"
#include "compile/graph.h"
#include "compile/layout.h"
#include "compile/resolve.h"

namespace bailey::compile {
namespace {

const Piece& PieceOf(const Graph& graph, NodeId node, std::uint32_t value) {
  return *(std::ranges::upper_bound(graph.Pieces(node), value, {}, &Piece::first) - 1);
}

bool IsSwitchOn(const Graph& graph, NodeId node, Word word) {
  return !graph.IsLeaf(node) && graph.SwitchWord(node) == word;
}

Weights WeighSwitches(const Graph& graph, const Resolved& resolved, const policy::Hot& hot) {
  Weights weights;
  if (!IsSwitchOn(graph, resolved.root, Word::kArch)) return weights;
  // The native architecture is the one nearly every call comes from.
  weights[resolved.root][abi::Info(abi::NativeArch()).token] = 1;
  if (hot.empty()) return weights;
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  for (const Call& call : resolved.calls) {
    const auto of_arch = hot.find(call.arch);
    if (of_arch == hot.end()) continue;
    const auto seen = of_arch->second.find(call.name);
    if (seen == of_arch->second.end()) continue;
    if (graph.IsLeaf(call.decision) && graph.LeafValue(call.decision) == allow) continue;
    const NodeId numbers = PieceOf(graph, resolved.root, abi::Info(call.arch).token).next;
    if (!IsSwitchOn(graph, numbers, Word::kNumber)) continue;
    weights[numbers][call.number] = static_cast<double>(seen->second);
  }
  return weights;
}

// The switches in and below `node`; not recursive, for graphs too deep for the stack are refused
// by what this returns.
std::size_t CountSwitches(const Graph& graph, NodeId root) {
  std::set<NodeId> seen;
  std::vector<NodeId> open = {root};
  while (!open.empty()) {
    const NodeId node = open.back();
    open.pop_back();
    if (graph.IsLeaf(node) || !seen.insert(node).second) continue;
    for (const Piece& piece : graph.Pieces(node)) {
      if (!graph.IsLeaf(piece.next)) open.push_back(piece.next);
    }
  }
  return seen.size();
}

base::Error TooLarge(const Graph& graph, const Resolved& resolved) {
  constexpr std::size_t kNamed = 3;
  const std::vector<CallCost> costs = CostliestCalls(graph, resolved);
  std::string named;
  for (std::size_t i = 0; i < std::min(costs.size(), kNamed); ++i) {
    const Call& call = *costs[i].call;
    named += fmt::format("{}{} on {} ({} tests)", i == 0 ? "; most are for " : ", ",
                         call.name.empty() ? fmt::format("number {}", call.number) : call.name,
                         abi::Info(call.arch).name, costs[i].tests);
  }
  return base::InvalidInput(
      fmt::format("compile policy: the filter needs more than {} instructions{}",
                  bpf::kMaxInstructions, named));
}

base::Result<bpf::Program> CompileWith(const policy::Syscalls& syscalls,
                                       const policy::Audit* audit) {
  Graph graph;
  const auto resolved = Resolve(graph, syscalls, Leaves::kActions, audit);
  if (!resolved) return resolved.error();
  if (CountSwitches(graph, resolved->root) > bpf::kMaxInstructions) {
    return TooLarge(graph, *resolved);
  }
  const CodeGraph codes =
      BuildTrees(graph, resolved->root, WeighSwitches(graph, *resolved, syscalls.hot));
  const bool big_endian =
      abi::Info(syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures[0])
          .big_endian;
  std::vector<bpf::Instruction> instructions = LayOut(codes, big_endian);
  if (instructions.size() > bpf::kMaxInstructions) return TooLarge(graph, *resolved);
  auto program = bpf::Validate(std::move(instructions));
  if (!program) return base::Internal("compile policy: " + program.error().text);
  return program;
}

}  // namespace

base::Result<bpf::Program> Compile(const policy::Syscalls& syscalls) {
  return CompileWith(syscalls, nullptr);
}

base::Result<bpf::Program> CompileNotified(const policy::Syscalls& syscalls,
                                           const policy::Audit& audit) {
  return CompileWith(syscalls, &audit);
}

}  // namespace bailey::compile
