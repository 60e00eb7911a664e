// The interpreter itself (interpreter.h says what it does), for those who have a filter as the
// records that a kernel has taken already, and nothing of the standard library to link.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bpf/instruction.h"

namespace bailey::bpf {

struct Run {
  std::uint32_t value = 0;         // what the filter returns, undecoded
  std::uint32_t instructions = 0;  // executed, the return included
  std::uint32_t pc = 0;            // of the return (or of the division by zero, which returns 0)
};

// Registers and memory start at 0. (The kernel clears A and X; memory words cannot be loaded before
// they are stored.)
struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, kMemoryWords> memory = {};
};

inline void LoadOrStore(const Instruction& instruction, const SeccompData& data, bool big_endian,
                        Machine& machine) {
  const std::uint32_t k = instruction.k;
  switch (instruction.code) {
    case kLoadAbs:
      machine.a = Word(data, k, big_endian);
      break;
    case kLoadLen:
      machine.a = kDataSize;
      break;
    case kLoadImm:
      machine.a = k;
      break;
    case kLoadMem:
      machine.a = machine.memory[k];
      break;
    case kLoadXLen:
      machine.x = kDataSize;
      break;
    case kLoadXImm:
      machine.x = k;
      break;
    case kLoadXMem:
      machine.x = machine.memory[k];
      break;
    case kStore:
      machine.memory[k] = machine.a;
      break;
    case kStoreX:
      machine.memory[k] = machine.x;
      break;
    case kTax:
      machine.x = machine.a;
      break;
    case kTxa:
      machine.a = machine.x;
      break;
    default:
      break;
  }
}

// kAdd .. kXor on two values. A division by 0 is the caller's to handle: it ends the filter.
inline std::uint32_t Compute(std::uint16_t operation, std::uint32_t left, std::uint32_t right) {
  switch (operation) {
    case kAdd:
      return left + right;
    case kSub:
      return left - right;
    case kMul:
      return left * right;
    case kDiv:
      return left / right;
    case kOr:
      return left | right;
    case kAnd:
      return left & right;
    case kLsh:
      return left << (right & 31);
    case kRsh:
      return left >> (right & 31);
    default:
      return left ^ right;  // kXor
  }
}

// kJeq, kJgt, kJge, kJset on two values.
inline bool Holds(std::uint16_t test, std::uint32_t left, std::uint32_t right) {
  switch (test) {
    case kJeq:
      return left == right;
    case kJgt:
      return left > right;
    case kJge:
      return left >= right;
    default:
      return (left & right) != 0;  // kJset
  }
}

// `visit` sees the pc of every instruction before it is executed.
template <class Visit>
Run Execute(std::span<const Instruction> instructions, const SeccompData& data, bool big_endian,
            const Visit& visit) {
  Machine machine;
  Run run;
  for (std::uint32_t pc = 0;; ++pc) {
    visit(pc);
    const Instruction& instruction = instructions[pc];
    const std::uint16_t code = instruction.code;
    ++run.instructions;
    run.pc = pc;
    const auto operation = static_cast<std::uint16_t>(code & ~kX);
    const std::uint32_t operand = (code & kX) != 0 ? machine.x : instruction.k;
    if (code == kReturn || code == kReturnA) {
      run.value = code == kReturn ? instruction.k : machine.a;
      return run;
    }
    if (code == kJump) {
      pc += instruction.k;
    } else if (IsConditionalJump(code)) {
      pc += Holds(operation, machine.a, operand) ? instruction.jt : instruction.jf;
    } else if (code == kNeg) {
      machine.a = 0 - machine.a;
    } else if (IsBinaryAlu(code)) {
      // bpf_convert_filter puts a test in front of each division by X: zero leaves with 0.
      if (operation == kDiv && operand == 0) return run;
      machine.a = Compute(operation, machine.a, operand);
    } else {
      LoadOrStore(instruction, data, big_endian, machine);
    }
  }
}

}  // namespace bailey::bpf
