#include "oracle.h"

#include <algorithm>
#include <set>

#include "abi/arch.h"
#include "bpf/interpreter.h"

namespace bailey::mutation {
namespace {

using bpf::Instruction;
using bpf::SeccompData;

constexpr std::size_t kPassingKept = 160;
constexpr int kDirected = 4000;

verify::Outcome EffectOf(std::uint32_t value) { return verify::EffectOf(verify::OutcomeOf(value)); }

// The constants that a filter compares with, and their neighbours.
std::vector<std::uint32_t> Boundaries(const bpf::Program& program) {
  std::set<std::uint32_t> values = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
  for (const Instruction& instruction : program.Instructions()) {
    if (!bpf::IsConditionalJump(instruction.code) && instruction.code != bpf::kAnd) continue;
    for (const std::uint32_t near : {0u, 1u, ~0u}) values.insert(instruction.k + near);
  }
  return {values.begin(), values.end()};
}

}  // namespace

verify::Outcome Effect(const bpf::Program& program, const SeccompData& data) {
  return EffectOf(bpf::Interpret(program, data, /*big_endian=*/false).value);
}

Oracle::Oracle(const bpf::Program& program)
    : program_(program), at_pc_(program.Size()), passed_(program.Size()) {
  CollectCalls();
  for (std::uint32_t i = 0; i < calls_.size(); ++i) {
    effects_.push_back(Effect(program_, calls_[i]));
    Follow(i);
  }
}

void Oracle::CollectCalls() {
  const std::vector<std::uint32_t> values = Boundaries(program_);
  const auto any = [&] { return values[random_.Below(static_cast<std::uint32_t>(values.size()))]; };
  const std::uint32_t tokens[] = {abi::Info(abi::Arch::kX86_64).token,
                                  abi::Info(abi::Arch::kI386).token, 0xc00000b7};
  for (const std::uint32_t token : tokens) {
    for (const std::uint32_t nr : values) {
      calls_.push_back({.nr = nr, .arch = token, .args = {}});
      SeccompData data = {.nr = nr, .arch = token, .args = {}};
      for (std::uint64_t& argument : data.args)
        argument = std::uint64_t{random_.OneIn(2) ? 0 : any()} << 32 | any();
      calls_.push_back(data);
    }
  }
  for (int i = 0; i < kDirected; ++i) calls_.push_back(random_.DataFor(program_, false));
}

// One instruction's work on a passing call.
struct Oracle::Step {
  const SeccompData& data;
  Passing& at;
  std::size_t next = 0;
  std::optional<std::uint32_t> returned;

  void Do(const Instruction& instruction, std::size_t pc) {
    const auto [code, jt, jf, k] = instruction;
    next = pc + 1;
    const std::uint32_t operand = (code & bpf::kX) != 0 ? at.x : k;
    if (bpf::IsConditionalJump(code)) {
      const auto test = static_cast<std::uint16_t>(code & ~bpf::kX);
      next += bpf::Holds(test, at.a, operand) ? jt : jf;
    } else if (bpf::IsBinaryAlu(code)) {
      const auto operation = static_cast<std::uint16_t>(code & ~bpf::kX);
      if (operation == bpf::kDiv && operand == 0) {
        returned = 0;
      } else {
        at.a = bpf::Compute(operation, at.a, operand);
      }
    } else {
      Move(code, k);
    }
  }

  void Move(std::uint16_t code, std::uint32_t k) {
    switch (code) {
      case bpf::kLoadAbs:
        at.a = WordAt(k);
        break;
      case bpf::kLoadLen:
        at.a = bpf::kDataSize;
        break;
      case bpf::kLoadImm:
        at.a = k;
        break;
      case bpf::kLoadMem:
        at.a = at.memory[k];
        break;
      case bpf::kLoadXLen:
        at.x = bpf::kDataSize;
        break;
      case bpf::kLoadXImm:
        at.x = k;
        break;
      case bpf::kLoadXMem:
        at.x = at.memory[k];
        break;
      case bpf::kStore:
        at.memory[k] = at.a;
        break;
      case bpf::kStoreX:
        at.memory[k] = at.x;
        break;
      case bpf::kTax:
        at.x = at.a;
        break;
      case bpf::kTxa:
        at.a = at.x;
        break;
      case bpf::kNeg:
        at.a = 0 - at.a;
        break;
      case bpf::kJump:
        next += k;
        break;
      default:
        returned = code == bpf::kReturnA ? at.a : k;
        break;
    }
  }

  // On a little-endian machine.
  std::uint32_t WordAt(std::uint32_t offset) const {
    if (offset == bpf::kOffsetNr) return data.nr;
    if (offset == bpf::kOffsetArch) return data.arch;
    const std::uint64_t field = offset < bpf::kOffsetArgs
                                    ? data.instruction_pointer
                                    : data.args[(offset - bpf::kOffsetArgs) / 8];
    return static_cast<std::uint32_t>(field >> (offset % 8 == 4 ? 32 : 0));
  }
};

void Oracle::Follow(std::uint32_t call) {
  Passing at = {.call = call};
  const auto instructions = program_.Instructions();
  for (std::size_t pc = 0; pc < instructions.size();) {
    // All that pass are equally likely to be kept.
    const std::uint32_t seen = passed_[pc]++;
    if (at_pc_[pc].size() < kPassingKept) {
      at_pc_[pc].push_back(at);
    } else if (const std::uint32_t place = random_.Below(seen + 1); place < kPassingKept) {
      at_pc_[pc][place] = at;
    }
    Step step = {calls_[call], at, 0, std::nullopt};
    step.Do(instructions[pc], pc);
    if (step.returned) return;
    pc = step.next;
  }
}

std::uint32_t Oracle::Run(Passing passing, std::size_t pc, const Instruction& first) const {
  const auto instructions = program_.Instructions();
  const Instruction* now = &first;
  for (;;) {
    Step step = {calls_[passing.call], passing, 0, std::nullopt};
    step.Do(*now, pc);
    if (step.returned) return *step.returned;
    pc = step.next;
    now = &instructions[pc];
  }
}

std::optional<SeccompData> Oracle::FindDifference(const Mutant& mutant) const {
  for (const Passing& passing : at_pc_[mutant.pc]) {
    if (EffectOf(Run(passing, mutant.pc, mutant.instruction)) != effects_[passing.call])
      return calls_[passing.call];
  }
  return std::nullopt;
}

}  // namespace bailey::mutation
