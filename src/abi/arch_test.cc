#include "abi/arch.h"

#include <gtest/gtest.h>
#include <linux/audit.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace bailey::abi {
namespace {

TEST(Arch, TokensAreTheKernels) {
  const struct {
    Arch arch;
    std::uint32_t token;
  } kRows[] = {
      {Arch::kX86_64, AUDIT_ARCH_X86_64},
      {Arch::kX32, AUDIT_ARCH_X86_64},
      {Arch::kI386, AUDIT_ARCH_I386},
      {Arch::kAarch64, AUDIT_ARCH_AARCH64},
      {Arch::kArm, AUDIT_ARCH_ARM},
      {Arch::kLoongarch64, AUDIT_ARCH_LOONGARCH64},
      {Arch::kM68k, AUDIT_ARCH_M68K},
      {Arch::kMips, AUDIT_ARCH_MIPS},
      {Arch::kMipsel, AUDIT_ARCH_MIPSEL},
      {Arch::kMips64, AUDIT_ARCH_MIPS64},
      {Arch::kMipsel64, AUDIT_ARCH_MIPSEL64},
      {Arch::kMips64n32, AUDIT_ARCH_MIPS64N32},
      {Arch::kMipsel64n32, AUDIT_ARCH_MIPSEL64N32},
      {Arch::kParisc, AUDIT_ARCH_PARISC},
      {Arch::kParisc64, AUDIT_ARCH_PARISC64},
      {Arch::kPpc, AUDIT_ARCH_PPC},
      {Arch::kPpc64, AUDIT_ARCH_PPC64},
      {Arch::kPpc64le, AUDIT_ARCH_PPC64LE},
      {Arch::kRiscv64, AUDIT_ARCH_RISCV64},
      {Arch::kS390, AUDIT_ARCH_S390},
      {Arch::kS390x, AUDIT_ARCH_S390X},
      {Arch::kSh, AUDIT_ARCH_SHEL},
      {Arch::kSheb, AUDIT_ARCH_SH},
  };
  ASSERT_EQ(std::size(kRows), kArchCount);
  for (const auto& row : kRows) EXPECT_EQ(Info(row.arch).token, row.token) << Info(row.arch).name;
}

TEST(Arch, EveryArchIsInItsPlaceAndFoundByItsName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < AllArchs().size(); ++i) {
    const ArchInfo& info = AllArchs()[i];
    EXPECT_EQ(static_cast<std::size_t>(info.arch), i) << info.name;
    EXPECT_EQ(&Info(info.arch), &info);
    EXPECT_EQ(FindArch(info.name), info.arch) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    // x32 and n32 have the registers of their 64-bit kernel.
    EXPECT_EQ(info.word_bits, (info.token & __AUDIT_ARCH_64BIT) != 0 ? 64 : 32) << info.name;
    EXPECT_EQ(info.big_endian, (info.token & __AUDIT_ARCH_LE) == 0) << info.name;
  }
  EXPECT_EQ(names.size(), kArchCount);
}

TEST(Arch, FindsCommonNames) {
  const struct {
    std::string_view name;
    std::optional<Arch> arch;
  } kRows[] = {
      {"amd64", Arch::kX86_64},
      {"x86", Arch::kI386},
      {"i686", Arch::kI386},
      {"arm64", Arch::kAarch64},
      {"mips64el", Arch::kMipsel64},
      {"SCMP_ARCH_X86_64", Arch::kX86_64},
      {"SCMP_ARCH_X86", Arch::kI386},
      {"SCMP_ARCH_MIPSEL64N32", Arch::kMipsel64n32},
      {"SCMP_ARCH_PPC64LE", Arch::kPpc64le},
      {"SCMP_ARCH_", std::nullopt},
      {"", std::nullopt},
      {"x86_65", std::nullopt},
      {"vax", std::nullopt},
  };
  for (const auto& row : kRows) EXPECT_EQ(FindArch(row.name), row.arch) << row.name;
}

TEST(Arch, CompatIsTheSameMachineWith32Bits) {
  EXPECT_EQ(CompatArch(Arch::kX86_64), Arch::kI386);
  EXPECT_EQ(CompatArch(Arch::kAarch64), Arch::kArm);
  EXPECT_EQ(CompatArch(Arch::kRiscv64), std::nullopt);
  EXPECT_EQ(CompatArch(Arch::kPpc64le), std::nullopt);
  for (const ArchInfo& info : AllArchs()) {
    const auto compat = CompatArch(info.arch);
    if (!compat) continue;
    EXPECT_EQ(info.word_bits, 64) << info.name;
    EXPECT_EQ(Info(*compat).word_bits, 32) << info.name;
    EXPECT_EQ(CompatArch(*compat), std::nullopt) << info.name;
  }
}

TEST(Arch, OnlyS390HasCloneFlagsSecond) {
  for (const ArchInfo& info : AllArchs()) {
    EXPECT_EQ(info.clone_flags_second, info.arch == Arch::kS390 || info.arch == Arch::kS390x);
  }
}

TEST(Arch, NativeIsOneOfThem) {
#if defined(__x86_64__)
  EXPECT_EQ(NativeArch(), Arch::kX86_64);
#endif
  EXPECT_EQ(Info(NativeArch()).word_bits, sizeof(long) * 8);
}

}  // namespace
}  // namespace bailey::abi
