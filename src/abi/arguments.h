// What the arguments of a system call are called, and how much of each register the kernel reads.
//
// The kernel's entry points declare many arguments as `int` and ignore the high half of the
// register, while seccomp sees all of it. A deny that compares 64 bits is then bypassed by setting
// a high bit (CVE-2019-10063, CVE-2019-7303); so the true types are data, read from the kernel's
// SYSCALL_DEFINE signatures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "abi/arch.h"
#include "base/result.h"

namespace bailey::abi {

enum class ArgumentType : std::uint8_t { kU16, kI32, kU32, kI64, kU64, kPointer };

// One argument as a call on one architecture receives it. 64-bit values on 32-bit ABIs come in two
// registers: then `high_slot != low_slot`, and each holds 32 bits. Otherwise both name one slot.
struct Argument {
  std::string_view name;  // the kernel's own name: "flags", "cmd", "prot"
  ArgumentType type;
  std::uint8_t low_slot;  // 0..5: index into seccomp_data.args
  std::uint8_t high_slot;
  bool operator==(const Argument&) const = default;
};

bool IsSigned(ArgumentType type);
// 16, 32 or 64. Pointers are the architecture's word.
unsigned Bits(ArgumentType type, Arch arch);

// Up to six arguments, by value.
class ArgumentList {
 public:
  const Argument* begin() const { return arguments_.data(); }
  const Argument* end() const { return arguments_.data() + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Argument& operator[](std::size_t i) const { return arguments_[i]; }
  void Append(const Argument& argument) { arguments_[size_++] = argument; }

 private:
  std::array<Argument, 6> arguments_ = {};
  std::size_t size_ = 0;
};

// The arguments of `syscall` on `arch`, in order; empty when we hold no signature for it, or
// `arch` has no such call. What lies behind the sixth register (mips o32 passes some calls seven)
// is left out: seccomp does not see it.
ArgumentList Arguments(Arch arch, std::string_view syscall);
// True when we hold a signature for `syscall` on `arch`, be it one without arguments.
bool HasSignature(Arch arch, std::string_view syscall);

// Resolves what a condition names: an argument of the signature, by the kernel's name or the one
// that its manual page uses (clone's `flags` for `clone_flags`), or "arg0".."arg5", which count the
// registers of seccomp_data. A register that holds a whole argument has that argument's type; any
// other (no signature, half of a pair, unused) is a full register: u64, or u32 on 32-bit ABIs.
// "arg0.raw" .. "arg5.raw" name the whole 64 bits of the slot whatever the signature says. Errors
// name the arguments that there are.
base::Result<Argument> FindArgument(Arch arch, std::string_view syscall, std::string_view name);

}  // namespace bailey::abi
