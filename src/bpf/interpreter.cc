#include "bpf/interpreter.h"

#include <array>

namespace bailey::bpf {
namespace {

// Registers and memory start at 0. (The kernel clears A and X; memory words cannot be loaded before
// they are stored.)
struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, kMemoryWords> memory = {};
};

void LoadOrStore(const Instruction& instruction, const SeccompData& data, bool big_endian,
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

}  // namespace

std::uint32_t Word(const SeccompData& data, std::uint32_t offset, bool big_endian) {
  if (offset == kOffsetNr) return data.nr;
  if (offset == kOffsetArch) return data.arch;
  const std::uint64_t whole =
      offset < kOffsetArgs ? data.instruction_pointer : data.args[(offset - kOffsetArgs) / 8];
  const bool high = (offset % 8 == 4) != big_endian;
  return static_cast<std::uint32_t>(high ? whole >> 32 : whole);
}

std::uint32_t Compute(std::uint16_t operation, std::uint32_t left, std::uint32_t right) {
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

bool Holds(std::uint16_t test, std::uint32_t left, std::uint32_t right) {
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

namespace {

// `visit` sees the pc of every instruction before it is executed.
template <class Visit>
Run Execute(const Program& program, const SeccompData& data, bool big_endian, const Visit& visit) {
  const std::span<const Instruction> instructions = program.Instructions();
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

}  // namespace

Run Interpret(const Program& program, const SeccompData& data, bool big_endian) {
  return Execute(program, data, big_endian, [](std::uint32_t) {});
}

std::vector<std::uint32_t> Path(const Program& program, const SeccompData& data, bool big_endian) {
  std::vector<std::uint32_t> path;
  Execute(program, data, big_endian, [&path](std::uint32_t pc) { path.push_back(pc); });
  return path;
}

std::uint32_t StricterValue(std::uint32_t newer, std::uint32_t older) {
  const auto action = [](std::uint32_t value) {
    return static_cast<std::int32_t>(value & 0xffff0000);
  };
  return action(older) < action(newer) ? older : newer;
}

std::uint32_t InterpretStack(std::span<const Program> stack, const SeccompData& data,
                             bool big_endian) {
  std::uint32_t value = kNoFilterValue;
  for (auto filter = stack.rbegin(); filter != stack.rend(); ++filter) {
    value = StricterValue(value, Interpret(*filter, data, big_endian).value);
  }
  return value;
}

}  // namespace bailey::bpf
