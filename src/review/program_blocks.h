// A filter as basic blocks: straight runs of instructions, each ended by a jump or a return.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/program.h"

namespace bailey::review {

struct Block {
  std::uint32_t first = 0, last = 0;  // pcs
  // Blocks by index; both are absent behind a return. A jump without a test has only `on_true`,
  // as has a run that ends where another block begins.
  std::optional<std::size_t> on_true, on_false;
};

// In the order of the program. Jumps only lead forward, so an edge leads to a later block.
std::vector<Block> BlocksOf(const bpf::Program& program);

}  // namespace bailey::review
