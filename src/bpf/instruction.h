// Classic BPF as seccomp runs it: one instruction, and the one packet it looks at.
#pragma once

#include <array>
#include <cstdint>

namespace bailey::bpf {

// struct sock_filter of <linux/filter.h>, in host byte order.
struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t jt = 0;  // instructions to skip when a conditional jump's test holds
  std::uint8_t jf = 0;  // ... and when it does not
  std::uint32_t k = 0;
  bool operator==(const Instruction&) const = default;
};
static_assert(sizeof(Instruction) == 8);

// struct seccomp_data of <linux/seccomp.h>: everything a filter can see.
struct SeccompData {
  std::uint32_t nr = 0;
  std::uint32_t arch = 0;
  std::uint64_t instruction_pointer = 0;
  std::array<std::uint64_t, 6> args = {};
  bool operator==(const SeccompData&) const = default;
};
inline constexpr std::uint32_t kDataSize = 64;
inline constexpr std::uint32_t kDataWords = 16;
inline constexpr std::uint32_t kOffsetNr = 0;
inline constexpr std::uint32_t kOffsetArch = 4;
inline constexpr std::uint32_t kOffsetIp = 8;
inline constexpr std::uint32_t kOffsetArgs = 16;

// Where the low and the high 32 bits of args[slot] lie, which depends on the byte order of the
// machine whose kernel runs the filter.
constexpr std::uint32_t OffsetLow(unsigned slot, bool big_endian) {
  return kOffsetArgs + 8 * slot + (big_endian ? 4 : 0);
}
constexpr std::uint32_t OffsetHigh(unsigned slot, bool big_endian) {
  return kOffsetArgs + 8 * slot + (big_endian ? 0 : 4);
}

// The 32-bit word a load at `offset` (a multiple of 4, below 64) sees.
std::uint32_t Word(const SeccompData& data, std::uint32_t offset, bool big_endian);

inline constexpr std::uint32_t kMaxInstructions = 4096;  // BPF_MAXINSNS
inline constexpr std::uint32_t kMemoryWords = 16;        // BPF_MEMWORDS

// The instruction codes that seccomp_check_filter (kernel/seccomp.c) accepts. Jump and ALU codes
// are for a constant operand; `| kX` makes the operand register X.
inline constexpr std::uint16_t kLoadAbs = 0x20;   // A = data[k]             (BPF_LD|BPF_W|BPF_ABS)
inline constexpr std::uint16_t kLoadLen = 0x80;   // A = 64
inline constexpr std::uint16_t kLoadImm = 0x00;   // A = k
inline constexpr std::uint16_t kLoadMem = 0x60;   // A = M[k]
inline constexpr std::uint16_t kLoadXLen = 0x81;  // X = 64
inline constexpr std::uint16_t kLoadXImm = 0x01;  // X = k
inline constexpr std::uint16_t kLoadXMem = 0x61;  // X = M[k]
inline constexpr std::uint16_t kStore = 0x02;     // M[k] = A
inline constexpr std::uint16_t kStoreX = 0x03;    // M[k] = X
inline constexpr std::uint16_t kTax = 0x07;       // X = A
inline constexpr std::uint16_t kTxa = 0x87;       // A = X
inline constexpr std::uint16_t kAdd = 0x04;
inline constexpr std::uint16_t kSub = 0x14;
inline constexpr std::uint16_t kMul = 0x24;
inline constexpr std::uint16_t kDiv = 0x34;
inline constexpr std::uint16_t kOr = 0x44;
inline constexpr std::uint16_t kAnd = 0x54;
inline constexpr std::uint16_t kLsh = 0x64;
inline constexpr std::uint16_t kRsh = 0x74;
inline constexpr std::uint16_t kNeg = 0x84;
inline constexpr std::uint16_t kXor = 0xa4;
inline constexpr std::uint16_t kJump = 0x05;  // pc += k
inline constexpr std::uint16_t kJeq = 0x15;
inline constexpr std::uint16_t kJgt = 0x25;
inline constexpr std::uint16_t kJge = 0x35;
inline constexpr std::uint16_t kJset = 0x45;
inline constexpr std::uint16_t kReturn = 0x06;   // return k
inline constexpr std::uint16_t kReturnA = 0x16;  // return A
inline constexpr std::uint16_t kX = 0x08;

// One of kJeq, kJgt, kJge, kJset, with either operand.
constexpr bool IsConditionalJump(std::uint16_t code) {
  return (code & 0x07) == 0x05 && code != kJump;
}
// An operation on A and a second operand: kAdd .. kXor with either operand, not kNeg.
constexpr bool IsBinaryAlu(std::uint16_t code) { return (code & 0x07) == 0x04 && code != kNeg; }
constexpr bool IsReturn(std::uint16_t code) { return code == kReturn || code == kReturnA; }

}  // namespace bailey::bpf
