#include "review/program_blocks.h"

#include <span>

namespace bailey::review {
namespace {

// A jump with a test that leads to one place tests nothing.
bool IsFork(const bpf::Instruction& instruction) {
  return bpf::IsConditionalJump(instruction.code) && instruction.jt != instruction.jf;
}

std::vector<bool> FindLeaders(std::span<const bpf::Instruction> instructions) {
  std::vector<bool> leads(instructions.size() + 1, false);
  leads[0] = true;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const bpf::Instruction& instruction = instructions[pc];
    if (bpf::IsConditionalJump(instruction.code)) {
      leads[pc + 1] = true;
      leads[pc + 1 + instruction.jt] = true;
      leads[pc + 1 + instruction.jf] = true;
    } else if (instruction.code == bpf::kJump) {
      leads[pc + 1] = true;
      leads[pc + 1 + instruction.k] = true;
    } else if (bpf::IsReturn(instruction.code)) {
      leads[pc + 1] = true;
    }
  }
  return leads;
}

}  // namespace

std::vector<Block> BlocksOf(const bpf::Program& program) {
  const std::span<const bpf::Instruction> instructions = program.Instructions();
  const std::vector<bool> leads = FindLeaders(instructions);
  std::vector<std::size_t> block_at(instructions.size());
  std::vector<Block> blocks;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    if (leads[pc]) blocks.push_back({.first = static_cast<std::uint32_t>(pc)});
    blocks.back().last = static_cast<std::uint32_t>(pc);
    block_at[pc] = blocks.size() - 1;
  }
  for (Block& block : blocks) {
    const bpf::Instruction& end = instructions[block.last];
    const std::size_t next = block.last + 1U;
    if (bpf::IsReturn(end.code)) continue;
    if (bpf::IsConditionalJump(end.code)) {
      block.on_true = block_at[next + end.jt];
      if (IsFork(end)) block.on_false = block_at[next + end.jf];
    } else {
      block.on_true = block_at[end.code == bpf::kJump ? next + end.k : next];
    }
  }
  return blocks;
}

}  // namespace bailey::review
