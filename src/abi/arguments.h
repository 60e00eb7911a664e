// What the arguments of a system call are called, and how much of each register the kernel reads.
//
// The kernel's entry points declare many arguments as `int` and ignore the high half of the
// register, while seccomp sees all of it. A deny that compares 64 bits is then bypassed by setting
// a high bit (CVE-2019-10063, CVE-2019-7303); so the true types are data, read from the kernel's
// SYSCALL_DEFINE signatures.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "abi/arch.h"
#include "base/result.h"

namespace bailey::abi {

enum class ArgumentType : std::uint8_t { kU16, kI32, kU32, kI64, kU64, kPointer };

// One argument as a call on one architecture receives it. 64-bit values on 32-bit ABIs come in two
// registers: then `high_slot != low_slot`, and each holds 32 bits. Otherwise both name one slot.
struct Argument {
  std::string_view name;   // the kernel's own name: "flags", "cmd", "prot"
  ArgumentType type;
  std::uint8_t low_slot;   // 0..5: index into seccomp_data.args
  std::uint8_t high_slot;
  bool operator==(const Argument&) const = default;
};

bool IsSigned(ArgumentType type);
// 16, 32 or 64. Pointers are the architecture's word.
unsigned Bits(ArgumentType type, Arch arch);

// The arguments of `syscall` on `arch`, in order; empty when we hold no signature for it.
std::span<const Argument> Arguments(Arch arch, std::string_view syscall);

// Resolves what a condition names: an argument of the signature, or "arg0".."arg5". A numbered
// argument has the signature's type where there is one, else the full register
// (u64, or u32 on 32-bit ABIs). "arg0.raw" .. "arg5.raw" name the whole 64 bits of the slot
// whatever the signature says. Errors name the arguments that there are.
base::Result<Argument> FindArgument(Arch arch, std::string_view syscall, std::string_view name);

}  // namespace bailey::abi
