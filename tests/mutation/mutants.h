// Every filter that differs from another in one instruction: another opcode, a constant changed by
// one or in one bit, another jump target.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/program.h"

namespace bailey::mutation {

enum class Kind : std::uint8_t { kOpcode, kConstant, kTarget };
inline constexpr std::string_view kKindNames[] = {"opcode", "constant", "jump target"};

struct Mutant {
  Kind kind = Kind::kOpcode;
  std::size_t pc = 0;
  bpf::Instruction instruction;  // what stands there instead
};

// Also those that the kernel would not take: bpf::Validate knows.
std::vector<Mutant> MutantsAt(std::span<const bpf::Instruction> program, std::size_t pc);

}  // namespace bailey::mutation
