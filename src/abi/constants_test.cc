#include "abi/constants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bailey::abi {
namespace {

constexpr std::uint64_t kNone = 0x8000000000000001;  // no constant has this value

TEST(Constants, DifferWhereTheKernelDiffers) {
  const struct {
    Arch arch;
    std::string_view name;
    std::uint64_t want;
  } kRows[] = {
      {Arch::kX86_64, "TIOCSTI", 0x5412},
      {Arch::kI386, "TIOCSTI", 0x5412},
      {Arch::kPpc64le, "TIOCSTI", 0x5412},
      {Arch::kParisc, "TIOCSTI", 0x5412},
      {Arch::kMips, "TIOCSTI", 0x5472},
      {Arch::kMipsel64n32, "TIOCSTI", 0x5472},
      {Arch::kSh, "TIOCSTI", 0x40015412},
      {Arch::kMips64, "TIOCLINUX", 0x5483},
      {Arch::kSheb, "TIOCLINUX", 0x4001541c},
      {Arch::kMips, "TIOCSETD", 0x7401},
      {Arch::kMips, "TIOCCONS", 0x80047478},
      {Arch::kX86_64, "FIONREAD", 0x541b},
      {Arch::kPpc, "FIONREAD", 0x4004667f},
      {Arch::kSh, "FIONREAD", 0x8004667f},
      {Arch::kMips, "FIONREAD", 0x467f},
      {Arch::kPpc64, "TCGETS", 0x402c7413},
      {Arch::kParisc, "TCGETS", 0x40245410},
      {Arch::kParisc, "TCSETS", 0x80245411},
      {Arch::kPpc64, "TCGETS2", kNone},
      // _IOR of four bytes: read is 2 << 30, but 2 << 29 on mips and ppc, and 1 << 30 on parisc.
      {Arch::kX86_64, "TIOCGPTN", 0x80045430},
      {Arch::kMips, "TIOCGPTN", 0x40045430},
      {Arch::kPpc, "TIOCGPTN", 0x40045430},
      {Arch::kParisc64, "TIOCGPTN", 0x40045430},
      {Arch::kX86_64, "KVM_RUN", 0xae80},
      {Arch::kPpc64le, "KVM_RUN", 0x2000ae80},
      {Arch::kX86_64, "VHOST_SET_OWNER", 0xaf01},
      {Arch::kX86_64, "VHOST_SET_VRING_ADDR", 0x4028af11},
      {Arch::kX86_64, "USERFAULTFD_IOC_NEW", 0xaa00},
      {Arch::kX86_64, "FS_IOC_GETFLAGS", 0x80086601},
      {Arch::kI386, "FS_IOC_GETFLAGS", 0x80046601},
      {Arch::kX32, "FS_IOC_GETFLAGS", 0x80046601},
      {Arch::kAarch64, "KVM_SET_REGS", kNone},
      {Arch::kX86_64, "KVM_SET_GSI_ROUTING", 0x4008ae6a},
      {Arch::kX86_64, "KVM_GET_MSR_INDEX_LIST", 0xc004ae02},
      {Arch::kX86_64, "KVM_GET_SUPPORTED_CPUID", 0xc008ae05},
      {Arch::kX86_64, "KVM_SET_CPUID2", 0x4008ae90},
      {Arch::kX86_64, "SOCK_STREAM", 1},
      {Arch::kMipsel, "SOCK_STREAM", 2},
      {Arch::kMipsel, "SOCK_DGRAM", 1},
      {Arch::kParisc, "SOCK_NONBLOCK", 0x40000000},
      {Arch::kX86_64, "O_CREAT", 0100},
      {Arch::kMips, "O_CREAT", 0x100},
      {Arch::kAarch64, "O_DIRECTORY", 040000},
      {Arch::kX86_64, "O_DIRECTORY", 0200000},
      {Arch::kParisc, "O_TMPFILE", 0x801000},
      {Arch::kMips, "MAP_ANONYMOUS", 0x800},
      {Arch::kMips, "MAP_ANON", 0x800},
      {Arch::kParisc, "MAP_FIXED", 4},
      {Arch::kAarch64, "MAP_32BIT", kNone},
      {Arch::kX86_64, "MAP_32BIT", 0x40},
      {Arch::kX86_64, "F_GETLK64", kNone},
      {Arch::kI386, "F_GETLK64", 12},
      {Arch::kMips, "RLIMIT_NOFILE", 5},
      {Arch::kParisc, "SIGSTOP", 24},
      {Arch::kX86_64, "CLONE_CLEAR_SIGHAND", 0x100000000},
      {Arch::kX86_64, "AT_FDCWD", 0xffffffffffffff9c},
      {Arch::kX86_64, "PR_SET_PTRACER", 0x59616d61},
      {Arch::kX86_64, "S_IFCHR", 020000},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Constant(row.arch, row.name).value_or(kNone), row.want)
        << Info(row.arch).name << ' ' << row.name;
  }
}

TEST(Constants, UnknownNames) {
  for (const std::string_view name : {"", "CLONE_NEWUSERS", "clone_newuser", "CLONE_"}) {
    EXPECT_FALSE(IsKnownConstant(name)) << name;
    EXPECT_EQ(Constant(Arch::kX86_64, name), std::nullopt) << name;
  }
  EXPECT_TRUE(IsKnownConstant("MAP_32BIT"));
}

TEST(Constants, AllAreSortedAndDefinedSomewhere) {
  EXPECT_TRUE(std::ranges::is_sorted(AllConstants()));
  EXPECT_GT(AllConstants().size(), 800u);
  for (const std::string_view name : AllConstants()) {
    EXPECT_TRUE(IsKnownConstant(name)) << name;
    EXPECT_TRUE(std::ranges::any_of(AllArchs(), [&](const ArchInfo& info) {
      return Constant(info.arch, name).has_value();
    })) << name;
  }
}

TEST(Constants, NamesForValues) {
  const struct {
    Arch arch;
    std::string_view prefix;
    std::uint64_t value;
    std::string_view want;
  } kRows[] = {
      {Arch::kX86_64, "CLONE_", 0x10000000, "CLONE_NEWUSER"},
      {Arch::kX86_64, "AF_", 1, "AF_UNIX"},
      {Arch::kX86_64, "AF_", 16, "AF_NETLINK"},
      {Arch::kX86_64, "TIOC", 0x5412, "TIOCSTI"},
      {Arch::kMips, "TIOC", 0x5472, "TIOCSTI"},
      {Arch::kMips, "TIOC", 0x5412, ""},
      {Arch::kX86_64, "CLONE_", 3, ""},
      {Arch::kX86_64, "NOTHING_", 0, ""},
      {Arch::kX86_64, "zzz", 0, ""},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ConstantName(row.arch, row.prefix, row.value), row.want) << row.prefix << row.value;
  }
}

TEST(Errno, PerArchitecture) {
  const struct {
    Arch arch;
    std::string_view name;
    std::optional<std::uint16_t> want;
  } kRows[] = {
      {Arch::kX86_64, "EPERM", 1},
      {Arch::kX86_64, "ENOSYS", 38},
      {Arch::kMips64, "ENOSYS", 89},
      {Arch::kParisc, "ENOSYS", 251},
      {Arch::kX86_64, "EAFNOSUPPORT", 97},
      {Arch::kMips, "EAFNOSUPPORT", 124},
      {Arch::kMips, "EDQUOT", 1133},
      {Arch::kPpc, "EDEADLOCK", 58},
      {Arch::kX86_64, "EDEADLOCK", 35},
      {Arch::kX86_64, "EWOULDBLOCK", 11},
      {Arch::kX86_64, "EINIT", std::nullopt},
      {Arch::kX86_64, "EPERMX", std::nullopt},
      {Arch::kX86_64, "", std::nullopt},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ErrnoNumber(row.arch, row.name), row.want) << Info(row.arch).name << ' ' << row.name;
  }
}

TEST(Errno, NamesGoBackToTheirNumbers) {
  for (const ArchInfo& info : AllArchs()) {
    std::size_t named = 0;
    for (std::uint16_t number = 0; number <= 4095; ++number) {
      const std::string_view name = ErrnoName(info.arch, number);
      if (name.empty()) continue;
      EXPECT_EQ(ErrnoNumber(info.arch, name), number) << info.name << ' ' << name;
      ++named;
    }
    EXPECT_GT(named, 120u) << info.name;
  }
  EXPECT_EQ(ErrnoName(Arch::kX86_64, 11), "EAGAIN");
  EXPECT_EQ(ErrnoName(Arch::kX86_64, 95), "EOPNOTSUPP");
  EXPECT_EQ(ErrnoName(Arch::kX86_64, 35), "EDEADLK");
  EXPECT_EQ(ErrnoName(Arch::kParisc, 252), "ENOTSUP");
  EXPECT_EQ(ErrnoName(Arch::kX86_64, 0), "");
}

TEST(SocketFamily, ShortNamesAreTheConstants) {
  constexpr std::uint16_t kFamilies = 46;
  for (std::uint16_t family = 0; family < kFamilies; ++family) {
    const std::string_view name = SocketFamilyName(family);
    ASSERT_FALSE(name.empty()) << family;
    EXPECT_EQ(SocketFamily(name), family);
    std::string constant(ConstantName(Arch::kX86_64, "AF_", family));
    std::ranges::transform(constant, constant.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_EQ(constant, "af_" + std::string(name));
  }
  EXPECT_EQ(SocketFamilyName(kFamilies), "");
  EXPECT_EQ(SocketFamily("local"), 1);
  EXPECT_EQ(SocketFamily("route"), 16);
  EXPECT_EQ(SocketFamily("alg"), 38);
  EXPECT_EQ(SocketFamily("vsock"), 40);
  EXPECT_EQ(SocketFamily("INET"), std::nullopt);
  EXPECT_EQ(SocketFamily(""), std::nullopt);
}

}  // namespace
}  // namespace bailey::abi
