#include "bpf/random_program.h"

#include <array>
#include <utility>

namespace bailey::bpf {
namespace {

constexpr std::array<std::uint32_t, 20> kPool = {
    0,          1,          2,          3,          16,         59,         0xff,
    0x5412,     0xffff,     0x10000000, 0x40000000, 0x40000003, 0x7fffffff, 0x80000000,
    0xc000003e, 0x40000003, 0xfffffffe, 0xffffffff, 0x7fff0000, 0x00050001};

constexpr std::array<std::uint16_t, 7> kSimpleAlu = {kAnd, kAnd, kOr, kXor, kLsh, kRsh, kAdd};
constexpr std::array<std::uint16_t, 9> kAllAlu = {kAdd, kSub, kMul, kDiv, kOr,
                                                  kAnd, kLsh, kRsh, kXor};
constexpr std::array<std::uint16_t, 4> kTests = {kJeq, kJgt, kJge, kJset};
constexpr std::array<std::uint32_t, 8> kReturns = {0x7fff0000, 0x7fff0000, 0x00050001, 0x00050026,
                                                   0x80000000, 0x00000000, 0x7ffc0000, 0x00030007};

}  // namespace

std::uint32_t RandomPrograms::Below(std::uint32_t limit) {
  return static_cast<std::uint32_t>(engine_() % limit);
}

std::uint32_t RandomPrograms::Constant() {
  if (OneIn(8)) return static_cast<std::uint32_t>(engine_());
  const std::uint32_t chosen = kPool[Below(kPool.size())];
  return OneIn(4) ? chosen + Below(3) - 1 : chosen;
}

Instruction RandomPrograms::Step(const Shape& shape) {
  const std::uint32_t kind = Below(10);
  if (kind < 3) {
    const std::uint32_t offset = 4 * Below(kDataWords);
    if (!shape.loads_ip && (offset == kOffsetIp || offset == kOffsetIp + 4)) {
      return {kLoadAbs, 0, 0, kOffsetNr};
    }
    return {kLoadAbs, 0, 0, offset};
  }
  if (kind < 5 && shape.memory) {
    constexpr std::array<std::uint16_t, 10> kMoves = {
        kStore, kStoreX, kLoadMem, kLoadXMem, kTax, kTxa, kLoadXImm, kLoadImm, kLoadLen, kLoadXLen};
    const std::uint16_t code = kMoves[Below(kMoves.size())];
    const bool names_word =
        code == kStore || code == kStoreX || code == kLoadMem || code == kLoadXMem;
    return {code, 0, 0, names_word ? Below(3) : Constant()};
  }
  if (kind < 7) {
    if (!shape.alu) return {kAnd, 0, 0, Constant()};
    if (shape.hard && OneIn(12)) return {kNeg, 0, 0, 0};
    auto code = shape.hard ? kAllAlu[Below(kAllAlu.size())] : kSimpleAlu[Below(kSimpleAlu.size())];
    if (shape.hard && shape.memory && OneIn(3)) {
      return {static_cast<std::uint16_t>(code | kX), 0, 0, 0};
    }
    if (code == kLsh || code == kRsh) return {code, 0, 0, Below(32)};
    const std::uint32_t k = Constant();
    return {code, 0, 0, code == kDiv && k == 0 ? 3 : k};
  }
  const std::uint16_t test = kTests[Below(kTests.size())];
  const bool with_x = shape.memory && OneIn(5);
  return {static_cast<std::uint16_t>(with_x ? test | kX : test), 0, 0, Constant()};
}

Program RandomPrograms::Accepted(const Shape& shape) {
  for (;;) {
    std::vector<Instruction> instructions(shape.size);
    for (std::size_t pc = 0; pc < shape.size; ++pc) {
      Instruction& instruction = instructions[pc];
      const auto left = static_cast<std::uint32_t>(shape.size - pc - 1);  // behind this one
      instruction = Step(shape);
      if (left == 0 || OneIn(12)) {
        instruction = {kReturn, 0, 0, kReturns[Below(kReturns.size())]};
        if (shape.return_a && OneIn(4)) instruction = {kReturnA, 0, 0, 0};
      } else if (left > 1 && OneIn(30)) {
        instruction = {kJump, 0, 0, Below(std::min(left, 8u))};
      } else if (IsConditionalJump(instruction.code)) {
        instruction.jt = static_cast<std::uint8_t>(Below(std::min(left, 6u)));
        instruction.jf = static_cast<std::uint8_t>(Below(std::min(left, 6u)));
      }
    }
    // Memory words 0..2 are stored up front often enough for loads to be accepted.
    if (shape.memory && shape.size > 8 && !OneIn(4)) {
      for (std::uint32_t word = 0; word < 3; ++word) {
        instructions[2 * word] = {kLoadAbs, 0, 0, kOffsetArgs + 8 * word};
        instructions[2 * word + 1] = {kStore, 0, 0, word};
      }
    }
    if (auto program = Validate(std::move(instructions))) return *std::move(program);
  }
}

std::vector<Instruction> RandomPrograms::Mutated(const Shape& shape) {
  const Program program = Accepted(shape);
  std::vector<Instruction> instructions(program.Instructions().begin(),
                                        program.Instructions().end());
  for (std::uint32_t count = Below(3); count > 0; --count) {
    Instruction& victim = instructions[Below(static_cast<std::uint32_t>(instructions.size()))];
    switch (Below(6)) {
      case 0:
        victim.code = static_cast<std::uint16_t>(Below(256));
        break;
      case 1:
        victim.code = static_cast<std::uint16_t>(victim.code ^ (1u << Below(16)));
        break;
      case 2:
        victim.jt = static_cast<std::uint8_t>(Below(256));
        break;
      case 3:
        victim.jf = static_cast<std::uint8_t>(Below(40));
        break;
      case 4:
        victim.k = OneIn(2) ? Below(70) : Constant();
        break;
      default:
        victim = Step({});
        break;
    }
  }
  return instructions;
}

SeccompData RandomPrograms::Data() {
  SeccompData data;
  for (std::uint32_t offset = 0; offset < kDataSize; offset += 4) {
    if (OneIn(3)) continue;
    SetWord(data, offset, Constant(), false);
  }
  return data;
}

SeccompData RandomPrograms::DataFor(const Program& program, bool big_endian) {
  SeccompData data = Data();
  const std::span<const Instruction> instructions = program.Instructions();
  for (std::uint32_t offset = 0; offset < kDataSize; offset += 4) {
    if (OneIn(3)) continue;
    const Instruction& source =
        instructions[Below(static_cast<std::uint32_t>(instructions.size()))];
    if (!IsConditionalJump(source.code) && !IsBinaryAlu(source.code)) continue;
    SetWord(data, offset, OneIn(3) ? source.k + Below(3) - 1 : source.k, big_endian);
  }
  return data;
}

void SetWord(SeccompData& data, std::uint32_t offset, std::uint32_t value, bool big_endian) {
  if (offset == kOffsetNr) {
    data.nr = value;
  } else if (offset == kOffsetArch) {
    data.arch = value;
  } else {
    std::uint64_t& whole =
        offset < kOffsetArgs ? data.instruction_pointer : data.args[(offset - kOffsetArgs) / 8];
    const unsigned shift = (offset % 8 == 4) != big_endian ? 32 : 0;
    whole = (whole & ~(std::uint64_t{0xffffffff} << shift)) | (std::uint64_t{value} << shift);
  }
}

}  // namespace bailey::bpf
