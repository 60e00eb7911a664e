#include "abi/arch.h"

namespace bailey::abi {
namespace {

// EM_* of include/uapi/linux/elf-em.h, and the two flags of AUDIT_ARCH_*. n32 has a third.
constexpr std::uint32_t k64 = 0x80000000;
constexpr std::uint32_t kLe = 0x40000000;
constexpr std::uint32_t kN32 = 0x20000000;

struct Multiplexes {
  bool socketcall;
  bool ipc;
};
constexpr Multiplexes kBoth = {true, true};
constexpr Multiplexes kNone = {false, false};

constexpr ArchInfo Row(Arch arch, std::string_view name, std::string_view table,
                       std::uint32_t token, std::uint8_t word_bits, Multiplexes multiplexes) {
  return {arch,
          name,
          table,
          token,
          word_bits,
          (token & kLe) == 0,
          multiplexes.socketcall,
          multiplexes.ipc,
          table.starts_with("s390")};
}

constexpr ArchInfo kArchs[kArchCount] = {
    Row(Arch::kX86_64, "x86_64", "x86_64", 62 | k64 | kLe, 64, kNone),
    Row(Arch::kX32, "x32", "x32", 62 | k64 | kLe, 64, kNone),
    Row(Arch::kI386, "i386", "i386", 3 | kLe, 32, kBoth),
    Row(Arch::kAarch64, "aarch64", "aarch64", 183 | k64 | kLe, 64, kNone),
    Row(Arch::kArm, "arm", "arm", 40 | kLe, 32, kNone),
    Row(Arch::kLoongarch64, "loongarch64", "loongarch64", 258 | k64 | kLe, 64, kNone),
    Row(Arch::kM68k, "m68k", "m68k", 4, 32, kBoth),
    Row(Arch::kMips, "mips", "mips", 8, 32, kBoth),
    Row(Arch::kMipsel, "mipsel", "mips", 8 | kLe, 32, kBoth),
    Row(Arch::kMips64, "mips64", "mips64", 8 | k64, 64, kNone),
    Row(Arch::kMipsel64, "mipsel64", "mips64", 8 | k64 | kLe, 64, kNone),
    Row(Arch::kMips64n32, "mips64n32", "mips64n32", 8 | k64 | kN32, 64, kNone),
    Row(Arch::kMipsel64n32, "mipsel64n32", "mips64n32", 8 | k64 | kLe | kN32, 64, kNone),
    Row(Arch::kParisc, "parisc", "parisc", 15, 32, kNone),
    Row(Arch::kParisc64, "parisc64", "parisc64", 15 | k64, 64, kNone),
    Row(Arch::kPpc, "ppc", "ppc", 20, 32, kBoth),
    Row(Arch::kPpc64, "ppc64", "ppc64", 21 | k64, 64, kBoth),
    Row(Arch::kPpc64le, "ppc64le", "ppc64", 21 | k64 | kLe, 64, kBoth),
    Row(Arch::kRiscv64, "riscv64", "riscv64", 243 | k64 | kLe, 64, kNone),
    Row(Arch::kS390, "s390", "s390", 22, 32, kBoth),
    Row(Arch::kS390x, "s390x", "s390x", 22 | k64, 64, kBoth),
    Row(Arch::kSh, "sh", "sh", 42 | kLe, 32, kBoth),
    Row(Arch::kSheb, "sheb", "sh", 42, 32, kBoth),
};

struct OtherName {
  std::string_view name;
  Arch arch;
};

// uname -m, Debian, Go, OCI and libseccomp, where they differ from ours.
constexpr OtherName kOtherNames[] = {
    {"amd64", Arch::kX86_64},
    {"x86-64", Arch::kX86_64},
    {"x86", Arch::kI386},
    {"i486", Arch::kI386},
    {"i586", Arch::kI386},
    {"i686", Arch::kI386},
    {"386", Arch::kI386},
    {"arm64", Arch::kAarch64},
    {"armhf", Arch::kArm},
    {"armel", Arch::kArm},
    {"armv7l", Arch::kArm},
    {"loong64", Arch::kLoongarch64},
    {"mips64el", Arch::kMipsel64},
    {"mips64le", Arch::kMipsel64},
    {"mipsle", Arch::kMipsel},
    {"mips64eln32", Arch::kMipsel64n32},
    {"hppa", Arch::kParisc},
    {"hppa64", Arch::kParisc64},
    {"powerpc", Arch::kPpc},
    {"powerpc64", Arch::kPpc64},
    {"powerpc64le", Arch::kPpc64le},
    {"ppc64el", Arch::kPpc64le},
    {"sh4", Arch::kSh},
    {"sh4eb", Arch::kSheb},
};

constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

}  // namespace

const ArchInfo& Info(Arch arch) { return kArchs[static_cast<std::size_t>(arch)]; }

std::span<const ArchInfo> AllArchs() { return kArchs; }

std::optional<Arch> FindArch(std::string_view name) {
  if (name.starts_with("SCMP_ARCH_")) name.remove_prefix(10);
  for (const ArchInfo& info : kArchs) {
    if (EqualIgnoringCase(name, info.name)) return info.arch;
  }
  for (const OtherName& other : kOtherNames) {
    if (EqualIgnoringCase(name, other.name)) return other.arch;
  }
  return std::nullopt;
}

Arch NativeArch() {
#if defined(__x86_64__) && defined(__ILP32__)
  return Arch::kX32;
#elif defined(__x86_64__)
  return Arch::kX86_64;
#elif defined(__i386__)
  return Arch::kI386;
#elif defined(__aarch64__)
  return Arch::kAarch64;
#elif defined(__arm__)
  return Arch::kArm;
#elif defined(__loongarch64)
  return Arch::kLoongarch64;
#elif defined(__riscv) && __riscv_xlen == 64
  return Arch::kRiscv64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return Arch::kPpc64le;
#elif defined(__powerpc64__)
  return Arch::kPpc64;
#elif defined(__s390x__)
  return Arch::kS390x;
#elif defined(__mips__) && _MIPS_SIM == _ABI64 && defined(__MIPSEL__)
  return Arch::kMipsel64;
#elif defined(__mips__) && _MIPS_SIM == _ABI64
  return Arch::kMips64;
#else
#error "bailey does not know the architecture that it is compiled for"
#endif
}

std::optional<Arch> CompatArch(Arch arch) {
  switch (arch) {
    case Arch::kX86_64:
    case Arch::kX32:
      return Arch::kI386;
    case Arch::kAarch64:
      return Arch::kArm;
    case Arch::kMips64:
    case Arch::kMips64n32:
      return Arch::kMips;
    case Arch::kMipsel64:
    case Arch::kMipsel64n32:
      return Arch::kMipsel;
    case Arch::kParisc64:
      return Arch::kParisc;
    case Arch::kPpc64:
      return Arch::kPpc;
    case Arch::kS390x:
      return Arch::kS390;
    case Arch::kI386:
    case Arch::kArm:
    case Arch::kLoongarch64:
    case Arch::kM68k:
    case Arch::kMips:
    case Arch::kMipsel:
    case Arch::kParisc:
    case Arch::kPpc:
    case Arch::kPpc64le:
    case Arch::kRiscv64:
    case Arch::kS390:
    case Arch::kSh:
    case Arch::kSheb:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace bailey::abi
