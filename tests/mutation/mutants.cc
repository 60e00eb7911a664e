#include "mutants.h"

#include <algorithm>

namespace bailey::mutation {
namespace {

constexpr std::uint16_t kOpcodes[] = {
    bpf::kLoadAbs,
    bpf::kLoadLen,
    bpf::kLoadImm,
    bpf::kLoadMem,
    bpf::kLoadXLen,
    bpf::kLoadXImm,
    bpf::kLoadXMem,
    bpf::kStore,
    bpf::kStoreX,
    bpf::kTax,
    bpf::kTxa,
    bpf::kNeg,
    bpf::kReturn,
    bpf::kReturnA,
    bpf::kJump,
    bpf::kJeq,
    bpf::kJgt,
    bpf::kJge,
    bpf::kJset,
    bpf::kJeq | bpf::kX,
    bpf::kJgt | bpf::kX,
    bpf::kJge | bpf::kX,
    bpf::kJset | bpf::kX,
    bpf::kAdd,
    bpf::kSub,
    bpf::kMul,
    bpf::kDiv,
    bpf::kOr,
    bpf::kAnd,
    bpf::kXor,
    bpf::kLsh,
    bpf::kRsh,
    bpf::kAdd | bpf::kX,
    bpf::kSub | bpf::kX,
    bpf::kMul | bpf::kX,
    bpf::kDiv | bpf::kX,
    bpf::kOr | bpf::kX,
    bpf::kAnd | bpf::kX,
    bpf::kXor | bpf::kX,
    bpf::kLsh | bpf::kX,
    bpf::kRsh | bpf::kX,
};

// The kernel wants no more of an instruction than its opcode uses; what it ignores is no mutation.
bool ReadsConstant(std::uint16_t code) {
  switch (code) {
    case bpf::kLoadLen:
    case bpf::kLoadXLen:
    case bpf::kTax:
    case bpf::kTxa:
    case bpf::kNeg:
    case bpf::kReturnA:
      return false;
    default:
      return code == bpf::kReturn || code == bpf::kJump || (code & bpf::kX) == 0 ||
             code == bpf::kLoadXImm || code == bpf::kLoadXMem || code == bpf::kStoreX;
  }
}

}  // namespace

std::vector<Mutant> MutantsAt(std::span<const bpf::Instruction> program, std::size_t pc) {
  const bpf::Instruction original = program[pc];
  std::vector<Mutant> mutants;
  const auto add = [&](Kind kind, bpf::Instruction instruction) {
    mutants.push_back({kind, pc, instruction});
  };
  for (const std::uint16_t code : kOpcodes) {
    if (code != original.code) add(Kind::kOpcode, {code, original.jt, original.jf, original.k});
  }
  const auto with_k = [&](std::uint32_t k) {
    return bpf::Instruction{original.code, original.jt, original.jf, k};
  };
  const bool is_jump = original.code == bpf::kJump;
  if (!is_jump && ReadsConstant(original.code)) {
    for (unsigned bit = 0; bit < 32; ++bit) add(Kind::kConstant, with_k(original.k ^ 1u << bit));
    // One more and one less flip a single bit too where no carry runs.
    for (const std::uint32_t k : {original.k + 1, original.k - 1}) {
      const std::uint32_t changed = k ^ original.k;
      if ((changed & (changed - 1)) != 0) add(Kind::kConstant, with_k(k));
    }
  }
  const std::size_t room = program.size() - pc - 1;
  for (std::size_t target = 0; target < room && (is_jump || target < 256); ++target) {
    const auto offset = static_cast<std::uint8_t>(target);
    if (is_jump && target != original.k)
      add(Kind::kTarget, with_k(static_cast<std::uint32_t>(target)));
    if (!bpf::IsConditionalJump(original.code)) continue;
    if (offset != original.jt) add(Kind::kTarget, {original.code, offset, original.jf, original.k});
    if (offset != original.jf) add(Kind::kTarget, {original.code, original.jt, offset, original.k});
  }
  return mutants;
}

}  // namespace bailey::mutation
