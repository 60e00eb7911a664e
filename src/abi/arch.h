// The architectures that a seccomp filter can tell apart.
//
// An Arch is one system call table at one byte order: what the kernel's AUDIT_ARCH token names,
// and, for x32, the bit that tells its calls from x86_64's (they share a token).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace bailey::abi {

// The 18 tables of data/syscalls.csv, and the byte orders in which they occur.
enum class Arch : std::uint8_t {
  kX86_64,
  kX32,
  kI386,
  kAarch64,
  kArm,
  kLoongarch64,
  kM68k,
  kMips,
  kMipsel,
  kMips64,
  kMipsel64,
  kMips64n32,
  kMipsel64n32,
  kParisc,
  kParisc64,
  kPpc,
  kPpc64,
  kPpc64le,
  kRiscv64,
  kS390,
  kS390x,
  kSh,    // little endian, as libseccomp's "sh"
  kSheb,  // big endian
};
inline constexpr std::size_t kArchCount = 23;

// x32 calls are x86_64 calls with this bit in the number (arch/x86/include/uapi/asm/unistd.h).
inline constexpr std::uint32_t kX32Bit = 0x40000000;
// These numbers are x32's own entry points even without the bit (arch/x86/entry/syscalls).
inline constexpr std::uint32_t kX32FirstOwn = 512;
inline constexpr std::uint32_t kX32LastOwn = 547;

struct ArchInfo {
  Arch arch;
  std::string_view name;    // "x86_64", "i386", "mipsel64"
  std::string_view table;   // the name of its table in data/syscalls.csv
  std::uint32_t token;      // AUDIT_ARCH_* (include/uapi/linux/audit.h)
  std::uint8_t word_bits;   // width of a register and of `long` in its calls: 32 or 64
  bool big_endian;          // how seccomp_data is laid out: which half of an argument is first
  bool has_socketcall;      // sockets are also reached through socketcall(2)
  bool has_ipc;             // System V IPC is also reached through ipc(2)
  bool clone_flags_second;  // CONFIG_CLONE_BACKWARDS2: clone(stack, flags, ...)
};

const ArchInfo& Info(Arch arch);
std::span<const ArchInfo> AllArchs();

// By our name or a name in common use: "x86", "amd64", "arm64", "SCMP_ARCH_X86_64", "mips64el".
std::optional<Arch> FindArch(std::string_view name);

// The architecture this binary was built for, and the 32-bit one that its kernel may also run
// (i386 for x86_64, arm for aarch64, ...), if there is one.
Arch NativeArch();
std::optional<Arch> CompatArch(Arch arch);

}  // namespace bailey::abi
