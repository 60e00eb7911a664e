#include "verify/in_z3.h"

#include <string>

namespace bailey::verify {

using bpf::Instruction;

InZ3::InZ3(z3::context& context) : context_(context), zero_(context.bv_val(0u, 32)) {
  for (unsigned i = 0; i < bpf::kDataWords; ++i) {
    words_.push_back(context.bv_const(("w" + std::to_string(i)).c_str(), 32));
  }
}

void InZ3::Merge(std::optional<State>& into, const State& from) {
  if (!into) {
    into = from;
    return;
  }
  for (std::size_t i = 0; i < from.slots.size(); ++i) {
    if (!z3::eq(into->slots[i], from.slots[i])) {
      into->slots[i] = z3::ite(from.reached, from.slots[i], into->slots[i]);
    }
  }
  into->reached = into->reached || from.reached;
}

// A pass in program order that merges the states of all ways to an instruction.
std::vector<std::optional<InZ3::State>> InZ3::StatesOf(const bpf::Program& program) {
  const auto instructions = program.Instructions();
  std::vector<std::optional<State>> states(instructions.size());
  states[0] = State{context_.bool_val(true), std::vector<z3::expr>(2 + bpf::kMemoryWords, zero_)};
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const auto [code, jt, jf, k] = instructions[pc];
    if (!states[pc] || bpf::IsReturn(code)) continue;
    State state = *states[pc];
    if (code == bpf::kJump) {
      Merge(states[pc + 1 + k], state);
    } else if (bpf::IsConditionalJump(code)) {
      const z3::expr test = Test(instructions[pc], state);
      State failed = state;
      state.reached = state.reached && test;
      failed.reached = failed.reached && !test;
      Merge(states[pc + 1 + jt], state);
      Merge(states[pc + 1 + jf], failed);
    } else {
      if (code == (bpf::kDiv | bpf::kX)) state.reached = state.reached && state.slots[1] != zero_;
      Step(instructions[pc], state);
      Merge(states[pc + 1], state);
    }
  }
  return states;
}

z3::expr InZ3::Returns(const bpf::Program& program) {
  const auto instructions = program.Instructions();
  const auto states = StatesOf(program);
  std::vector<z3::expr> onward(instructions.size(), zero_);
  for (std::size_t pc = instructions.size(); pc-- > 0;) {
    if (!states[pc]) continue;
    const auto [code, jt, jf, k] = instructions[pc];
    if (bpf::IsReturn(code)) {
      onward[pc] = code == bpf::kReturn ? Number(k) : states[pc]->slots[0];
    } else if (code == bpf::kJump) {
      onward[pc] = onward[pc + 1 + k];
    } else if (bpf::IsConditionalJump(code)) {
      onward[pc] = jt == jf ? onward[pc + 1 + jt]
                            : z3::ite(Test(instructions[pc], *states[pc]), onward[pc + 1 + jt],
                                      onward[pc + 1 + jf]);
    } else if (code == (bpf::kDiv | bpf::kX)) {
      onward[pc] = z3::ite(states[pc]->slots[1] == zero_, zero_, onward[pc + 1]);
    } else {
      onward[pc] = onward[pc + 1];
    }
  }
  return onward[0];
}

z3::expr InZ3::Operand(const Instruction& instruction, const State& state) {
  return (instruction.code & bpf::kX) != 0 ? state.slots[1] : Number(instruction.k);
}

z3::expr InZ3::Test(const Instruction& instruction, const State& state) {
  const z3::expr& a = state.slots[0];
  const z3::expr operand = Operand(instruction, state);
  switch (instruction.code & ~bpf::kX) {
    case bpf::kJeq:
      return a == operand;
    case bpf::kJgt:
      return z3::ugt(a, operand);
    case bpf::kJge:
      return z3::uge(a, operand);
    default:
      return (a & operand) != zero_;
  }
}

z3::expr InZ3::Compute(const Instruction& instruction, const State& state) {
  const z3::expr& a = state.slots[0];
  const z3::expr operand = Operand(instruction, state);
  switch (instruction.code & ~bpf::kX) {
    case bpf::kAdd:
      return a + operand;
    case bpf::kSub:
      return a - operand;
    case bpf::kMul:
      return a * operand;
    case bpf::kDiv:
      return z3::udiv(a, operand);
    case bpf::kOr:
      return a | operand;
    case bpf::kAnd:
      return a & operand;
    case bpf::kLsh:
      return z3::shl(a, operand & Number(31));
    case bpf::kRsh:
      return z3::lshr(a, operand & Number(31));
    default:
      return a ^ operand;
  }
}

void InZ3::Step(const Instruction& instruction, State& state) {
  auto& slots = state.slots;
  const std::uint32_t k = instruction.k;
  switch (instruction.code) {
    case bpf::kLoadAbs:
      slots[0] = words_[k / 4];
      break;
    case bpf::kLoadLen:
      slots[0] = Number(64);
      break;
    case bpf::kLoadImm:
      slots[0] = Number(k);
      break;
    case bpf::kLoadMem:
      slots[0] = slots[2 + k];
      break;
    case bpf::kLoadXLen:
      slots[1] = Number(64);
      break;
    case bpf::kLoadXImm:
      slots[1] = Number(k);
      break;
    case bpf::kLoadXMem:
      slots[1] = slots[2 + k];
      break;
    case bpf::kStore:
      slots[2 + k] = slots[0];
      break;
    case bpf::kStoreX:
      slots[2 + k] = slots[1];
      break;
    case bpf::kTax:
      slots[1] = slots[0];
      break;
    case bpf::kTxa:
      slots[0] = slots[1];
      break;
    case bpf::kNeg:
      slots[0] = -slots[0];
      break;
    default:
      slots[0] = Compute(instruction, state);
      break;
  }
}

z3::expr InZ3::Effect(const z3::expr& value) {
  const z3::expr action = value & Number(0xffff0000);
  const z3::expr data = value & Number(0xffff);
  z3::expr effect = Number(0x80000000);
  for (const std::uint32_t plain : {0u, 0x7fc00000u, 0x7ffc0000u, 0x7fff0000u}) {
    effect = z3::ite(action == Number(plain), Number(plain), effect);
  }
  for (const std::uint32_t with_data : {0x00030000u, 0x7ff00000u}) {
    effect = z3::ite(action == Number(with_data), value, effect);
  }
  const z3::expr errno_data = z3::ite(z3::ugt(data, Number(4095)), Number(4095), data);
  return z3::ite(action == Number(0x00050000), Number(0x00050000) | errno_data, effect);
}

}  // namespace bailey::verify
