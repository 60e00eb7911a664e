#include "elf/values.h"

#include <algorithm>
#include <unordered_set>

namespace bailey::elf {
namespace {

using Flow = Instruction::Flow;

// Of one question; code that compilers make takes a few hundred.
constexpr std::size_t kMostSteps = 4000;
constexpr unsigned kMostParts = 4;

}  // namespace

Ways::Ways(const Code& code, std::function<bool(const Instruction&)> returns)
    : code_(code), returns_(std::move(returns)) {
  for (std::size_t i = 0; i < code.instructions.size(); ++i) {
    const Instruction& one = code.instructions[i];
    if (one.flow == Flow::kIndirectJump) anywhere_.push_back(i);
    if (one.flow != Flow::kBranch && one.flow != Flow::kJump) continue;
    if (const auto target = IndexOf(one.target)) jumps_.push_back({*target, i});
  }
  std::ranges::sort(jumps_);
}

std::optional<std::size_t> Ways::IndexOf(std::uint64_t address) const {
  const auto found =
      std::ranges::lower_bound(code_.instructions, address, {}, &Instruction::address);
  if (found == code_.instructions.end() || found->address != address) return std::nullopt;
  return static_cast<std::size_t>(found - code_.instructions.begin());
}

// From the one before it.
bool Ways::FallsInto(std::size_t instruction) const {
  if (instruction == 0) return false;
  const Instruction& one = code_.instructions[instruction - 1];
  const bool goes_on =
      one.flow == Flow::kOn || one.flow == Flow::kCall || one.flow == Flow::kBranch;
  return goes_on && one.address + one.size == code_.instructions[instruction].address;
}

// What a table names, and what nothing else leads to.
bool Ways::IsCase(std::size_t instruction) const {
  if (std::ranges::binary_search(code_.cases, code_.instructions[instruction].address)) return true;
  return !FallsInto(instruction) && instruction != code_.entry &&
         !std::ranges::binary_search(jumps_, instruction, {}, &Jump::to);
}

// "xor %eax,%eax; mov $60,%al" is a number in two parts.
void Ways::Combine(std::size_t instruction, Register wanted, unsigned depth, Values& values) const {
  const Instruction& one = code_.instructions[instruction];
  Values before = {.known = {}, .unknown = one.address, .loaded = std::nullopt};
  if (depth < kMostParts) before = Before(instruction, wanted, depth + 1);
  for (const std::uint32_t number : before.known)
    values.known.insert((number & ~0xffu) | static_cast<std::uint32_t>(one.constant));
  if (before.entry != 0 || before.unknown || before.loaded) values.unknown = one.address;
}

Values Ways::Before(std::size_t instruction, Register wanted) const {
  return Before(instruction, wanted, 0);
}

Values Ways::Before(std::size_t instruction, Register wanted, unsigned depth) const {
  struct Step {
    std::size_t instruction;
    Register wanted;
  };
  Values values;
  std::vector<Step> steps = {{instruction, wanted}};
  std::unordered_set<std::uint64_t> seen;
  // What holds before an instruction is what holds behind each that leads there.
  const auto look_at = [&](std::size_t before, Register reg) {
    const Instruction& one = code_.instructions[before];
    if ((one.writes >> reg & 1) == 0) {
      steps.push_back({before, reg});
    } else if (one.sets == Instruction::Sets::kConstant) {
      values.known.insert(static_cast<std::uint32_t>(one.constant));
    } else if (one.sets == Instruction::Sets::kLowByte) {
      Combine(before, reg, depth, values);
    } else if (one.sets == Instruction::Sets::kCopy) {
      steps.push_back({before, one.source});
    } else if (one.sets == Instruction::Sets::kLoad) {
      values.loaded = one.address;
    } else if (one.flow != Flow::kCall || returns_(one)) {
      values.unknown = one.address;
    }
  };
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    if (!seen.insert(std::uint64_t{step.instruction} * kRegisters + step.wanted).second) continue;
    if (seen.size() > kMostSteps || steps.size() > kMostSteps) {
      values.unknown = code_.instructions[instruction].address;
      return values;
    }
    if (step.instruction == code_.entry)
      values.entry |= static_cast<std::uint16_t>(1u << step.wanted);
    if (FallsInto(step.instruction)) look_at(step.instruction - 1, step.wanted);
    for (const Jump& jump : std::ranges::equal_range(jumps_, step.instruction, {}, &Jump::to))
      look_at(jump.from, step.wanted);
    if (!anywhere_.empty() && IsCase(step.instruction))
      for (const std::size_t from : anywhere_) look_at(from, step.wanted);
  }
  return values;
}

Values Ways::Behind(std::size_t instruction, Register wanted) const {
  const Instruction& one = code_.instructions[instruction];
  if ((one.writes >> wanted & 1) == 0) return Before(instruction, wanted);
  if (one.sets == Instruction::Sets::kCopy) return Before(instruction, one.source);
  Values values;
  if (one.sets == Instruction::Sets::kConstant) {
    values.known.insert(static_cast<std::uint32_t>(one.constant));
  } else if (one.sets == Instruction::Sets::kLoad) {
    values.loaded = one.address;
  } else {
    values.unknown = one.address;
  }
  return values;
}

}  // namespace bailey::elf
