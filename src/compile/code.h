// Between the decision graph and instructions: tests with two ways on, loads and returns, without
// addresses. Equal codes exist once, so equal subtrees of different architectures are one.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compile/graph.h"

namespace bailey::compile {

enum class CodeId : std::uint32_t {};

struct Code {
  enum class Kind : std::uint8_t {
    kReturn,  // return k
    kTest,    // `operation` of A with k: on to `yes` or `no`; A holds (word & mask)
    kLoad,    // A = word & mask; on to `yes`, which is a test
  };
  Kind kind;
  Word word = Word::kArch;
  std::uint16_t operation = 0;
  std::uint32_t mask = kAllBits;
  std::uint32_t k = 0;
  CodeId yes{};
  CodeId no{};
  bool operator==(const Code&) const = default;
};

struct CodeGraph {
  std::vector<Code> codes;
  CodeId root{};
  const Code& At(CodeId id) const { return codes[static_cast<std::uint32_t>(id)]; }
};

// How often a switch sees a value: what is frequent is tested earlier. Values that are not named
// weigh nothing.
using Frequencies = std::unordered_map<std::uint32_t, double>;
using Weights = std::unordered_map<NodeId, Frequencies>;

// Every switch as a search tree, reached through one load.
CodeGraph BuildTrees(const Graph& graph, NodeId root, const Weights& weights);

}  // namespace bailey::compile
