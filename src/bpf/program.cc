#include "bpf/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

namespace bailey::bpf {
namespace {

using Reason = std::optional<std::string>;

constexpr std::uint16_t kAcceptedCodes[] = {
    kLoadAbs,  kLoadLen,  kLoadImm,  kLoadMem,   kLoadXLen, kLoadXImm, kLoadXMem,
    kStore,    kStoreX,   kTax,      kTxa,       kAdd,      kAdd | kX, kSub,
    kSub | kX, kMul,      kMul | kX, kDiv,       kDiv | kX, kAnd,      kAnd | kX,
    kOr,       kOr | kX,  kXor,      kXor | kX,  kLsh,      kLsh | kX, kRsh,
    kRsh | kX, kNeg,      kJump,     kJeq,       kJeq | kX, kJgt,      kJgt | kX,
    kJge,      kJge | kX, kJset,     kJset | kX, kReturn,   kReturnA};

// Classic BPF that the kernel knows from socket filters and seccomp refuses.
struct RefusedCode {
  std::uint16_t code;
  std::string_view what;
};
constexpr RefusedCode kRefusedCodes[] = {
    {0x28, "a half-word load"},
    {0x30, "a byte load"},
    {0x40, "a load indexed by X"},
    {0x48, "a half-word load indexed by X"},
    {0x50, "a byte load indexed by X"},
    {0xb1, "a header length load"},
    {0x94, "a remainder"},
    {0x9c, "a remainder"},
    {0x0e, "a return of X"},
};

constexpr auto kIsAccepted = [] {
  std::array<bool, 256> accepted = {};
  for (const std::uint16_t code : kAcceptedCodes) accepted[code] = true;
  return accepted;
}();

Reason CheckCode(std::uint16_t code) {
  if (code < kIsAccepted.size() && kIsAccepted[code]) return std::nullopt;
  const auto* refused = std::ranges::find(kRefusedCodes, code, &RefusedCode::code);
  if (refused != std::end(kRefusedCodes)) {
    return fmt::format("code 0x{:02x}, {}, is not for seccomp", code, refused->what);
  }
  return fmt::format("there is no instruction code 0x{:02x}", code);
}

Reason CheckTarget(std::size_t pc, std::uint64_t skip, std::size_t size) {
  const std::uint64_t target = pc + 1 + skip;
  if (target < size) return std::nullopt;
  return fmt::format("it jumps to pc {}, past the last one ({})", target, size - 1);
}

// bpf_check_classic and seccomp_check_filter for one instruction. Both look at every instruction,
// reachable or not.
Reason CheckInstruction(const Instruction& instruction, std::size_t pc, std::size_t size) {
  const auto [code, jt, jf, k] = instruction;
  if (auto reason = CheckCode(code)) return reason;
  switch (code) {
    case kLoadAbs:
      if (k % 4 == 0 && k < kDataSize) return std::nullopt;
      return fmt::format("it loads at offset {}, which is not a multiple of 4 below {}", k,
                         kDataSize);
    case kLoadMem:
    case kLoadXMem:
    case kStore:
    case kStoreX:
      if (k < kMemoryWords) return std::nullopt;
      return fmt::format("it names M[{}], and there are {} memory words", k, kMemoryWords);
    case kDiv:
      if (k != 0) return std::nullopt;
      return "it divides by the constant 0";
    case kLsh:
    case kRsh:
      if (k < 32) return std::nullopt;
      return fmt::format("it shifts by {}, and registers have 32 bits", k);
    case kJump:
      return CheckTarget(pc, k, size);
    default:
      if (!IsConditionalJump(code)) return std::nullopt;
      if (auto reason = CheckTarget(pc, jt, size)) return reason;
      return CheckTarget(pc, jf, size);
  }
}

// check_load_and_stores (net/core/filter.c): one pass with a mask of the words stored on every way
// to an instruction. A return does not end a way here: what follows one is judged by what was
// stored before it, and the kernel refuses some programs that could not go wrong.
struct BadLoad {
  std::size_t pc;
  std::uint32_t word;
};
std::optional<BadLoad> FindLoadBeforeStore(std::span<const Instruction> instructions) {
  std::vector<std::uint16_t> masks(instructions.size(), 0xffff);
  unsigned stored = 0;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const auto [code, jt, jf, k] = instructions[pc];
    stored &= masks[pc];
    const auto jump_to = [&](std::size_t target) {
      masks[target] = static_cast<std::uint16_t>(masks[target] & stored);
    };
    if (code == kStore || code == kStoreX) {
      stored |= 1u << k;
    } else if (code == kLoadMem || code == kLoadXMem) {
      if ((stored & (1u << k)) == 0) return BadLoad{pc, k};
    } else if (code == kJump) {
      jump_to(pc + 1 + k);
      stored = 0xffff;
    } else if (IsConditionalJump(code)) {
      jump_to(pc + 1 + jt);
      jump_to(pc + 1 + jf);
      stored = 0xffff;
    }
  }
  return std::nullopt;
}

// Turns the bytes of code and k around where the machine's order is not ours.
void Swap(std::span<std::uint8_t> bytes, bool big_endian) {
  if (big_endian == (std::endian::native == std::endian::big)) return;
  constexpr std::size_t kRecord = sizeof(Instruction);
  for (std::size_t i = 0; i + kRecord <= bytes.size(); i += kRecord) {
    std::swap(bytes[i], bytes[i + 1]);
    std::swap(bytes[i + 4], bytes[i + 7]);
    std::swap(bytes[i + 5], bytes[i + 6]);
  }
}

base::Error Refused(std::size_t pc, std::string_view reason) {
  return base::InvalidInput(fmt::format("check filter: pc {}: {}", pc, reason));
}

}  // namespace

base::Result<Program> Validate(std::vector<Instruction> instructions) {
  const std::size_t size = instructions.size();
  if (size == 0) return base::InvalidInput("check filter: it has no instructions");
  if (size > kMaxInstructions) {
    return base::InvalidInput(fmt::format(
        "check filter: it has {} instructions, and the kernel takes {}", size, kMaxInstructions));
  }
  for (std::size_t pc = 0; pc < size; ++pc) {
    if (auto reason = CheckInstruction(instructions[pc], pc, size)) return Refused(pc, *reason);
  }
  const std::uint16_t last = instructions.back().code;
  if (last != kReturn && last != kReturnA) {
    return Refused(size - 1, "the last instruction is not a return");
  }
  if (auto bad = FindLoadBeforeStore(instructions)) {
    return Refused(bad->pc,
                   fmt::format("it loads M[{}], which is not stored on every way here", bad->word));
  }
  return Program(std::move(instructions));
}

base::Result<Program> Read(std::span<const std::uint8_t> bytes) {
  if (bytes.size() % sizeof(Instruction) != 0) {
    return base::InvalidInput(
        fmt::format("read filter: {} bytes are not a whole number of instructions of {} bytes",
                    bytes.size(), sizeof(Instruction)));
  }
  if (bytes.size() > kMaxInstructions * sizeof(Instruction)) {
    return base::InvalidInput(
        fmt::format("read filter: it has {} instructions, and the kernel takes {}",
                    bytes.size() / sizeof(Instruction), kMaxInstructions));
  }
  std::vector<Instruction> instructions(bytes.size() / sizeof(Instruction));
  if (!bytes.empty()) std::memcpy(instructions.data(), bytes.data(), bytes.size());
  return Validate(std::move(instructions));
}

base::Result<Program> ReadAs(std::span<const std::uint8_t> bytes, bool big_endian) {
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  Swap(copy, big_endian);
  return Read(copy);
}

std::vector<std::uint8_t> BytesAs(const Program& program, bool big_endian) {
  std::vector<std::uint8_t> bytes = program.Bytes();
  Swap(bytes, big_endian);
  return bytes;
}

std::vector<std::uint8_t> Program::Bytes() const {
  std::vector<std::uint8_t> bytes(instructions_.size() * sizeof(Instruction));
  std::memcpy(bytes.data(), instructions_.data(), bytes.size());
  return bytes;
}

}  // namespace bailey::bpf
