#include "abi/syscalls.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bailey::abi {
namespace {

TEST(Syscalls, EveryNameAndNumberRoundTrips) {
  for (const ArchInfo& info : AllArchs()) {
    std::size_t count = 0;
    std::optional<std::uint32_t> previous;
    for (const Syscall& call : Syscalls(info.arch)) {
      EXPECT_EQ(Number(info.arch, call.name), call.number) << info.name << ' ' << call.name;
      EXPECT_EQ(Name(info.arch, call.number), call.name) << info.name << ' ' << call.number;
      EXPECT_TRUE(!previous || *previous < call.number) << info.name << ' ' << call.name;
      EXPECT_TRUE(std::ranges::binary_search(AllNames(), call.name)) << call.name;
      previous = call.number;
      ++count;
    }
    EXPECT_EQ(Syscalls(info.arch).size(), count) << info.name;
    // Names that a table lacks must not come from another table.
    std::size_t named = 0;
    for (const std::string_view name : AllNames()) named += Number(info.arch, name) ? 1 : 0;
    EXPECT_EQ(named, count) << info.name;
  }
}

TEST(Syscalls, TablesHaveTheirCounts) {
  const struct {
    Arch arch;
    std::size_t count;
  } kRows[] = {
      {Arch::kX86_64, 385},  {Arch::kX32, 374},         {Arch::kI386, 461},
      {Arch::kAarch64, 327}, {Arch::kArm, 430},         {Arch::kLoongarch64, 323},
      {Arch::kM68k, 443},    {Arch::kMips, 437},        {Arch::kMipsel, 437},
      {Arch::kMips64, 373},  {Arch::kMipsel64, 373},    {Arch::kMips64n32, 397},
      {Arch::kParisc, 407},  {Arch::kMipsel64n32, 397}, {Arch::kParisc64, 386},
      {Arch::kPpc, 452},     {Arch::kPpc64, 424},       {Arch::kPpc64le, 424},
      {Arch::kRiscv64, 328}, {Arch::kS390, 440},        {Arch::kS390x, 390},
      {Arch::kSh, 436},      {Arch::kSheb, 436},
  };
  ASSERT_EQ(std::size(kRows), kArchCount);
  for (const auto& row : kRows)
    EXPECT_EQ(Syscalls(row.arch).size(), row.count) << Info(row.arch).name;
  EXPECT_EQ(AllNames().size(), 508u);
}

TEST(Syscalls, KnownNumbers) {
  const struct {
    Arch arch;
    std::string_view name;
    std::uint32_t number;
  } kRows[] = {
      {Arch::kX86_64, "read", 0},          {Arch::kX86_64, "uretprobe", 335},
      {Arch::kI386, "socketcall", 102},    {Arch::kI386, "ipc", 117},
      {Arch::kX32, "read", 0x40000000},    {Arch::kX32, "ioctl", 0x40000202},
      {Arch::kX32, "execve", 0x40000208},  {Arch::kX32, "pwritev2", 0x40000223},
      {Arch::kAarch64, "bpf", 280},        {Arch::kMips, "read", 4003},
      {Arch::kMips64, "read", 5000},       {Arch::kMipsel64n32, "read", 6000},
      {Arch::kArm, "cacheflush", 0xf0002},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Number(row.arch, row.name), row.number) << Info(row.arch).name << ' ' << row.name;
    EXPECT_EQ(Name(row.arch, row.number), row.name) << Info(row.arch).name << ' ' << row.number;
  }
}

// From 424 on, architectures number calls alike, above a base.
TEST(Syscalls, NewNumbersAreCommon) {
  for (const ArchInfo& info : AllArchs()) {
    std::uint32_t base = 0;
    if (info.arch == Arch::kX32) base = kX32Bit;
    if (info.table == "mips") base = 4000;
    if (info.table == "mips64") base = 5000;
    if (info.table == "mips64n32") base = 6000;
    EXPECT_EQ(Number(info.arch, "io_uring_setup"), base + 425) << info.name;
    EXPECT_EQ(Number(info.arch, "landlock_create_ruleset"), base + 444) << info.name;
    // sh keeps the number for clone3 but has no entry point.
    const std::optional<std::uint32_t> clone3 =
        info.table == "sh" ? std::nullopt : std::optional<std::uint32_t>(base + 435);
    EXPECT_EQ(Number(info.arch, "clone3"), clone3) << info.name;
    for (const Syscall& call : Syscalls(info.arch)) {
      EXPECT_TRUE(call.number <= base + kNewestNumber || call.number >= 0xf0000 || base == kX32Bit)
          << info.name << ' ' << call.name;
    }
  }
}

TEST(Syscalls, X32OwnNumbersHaveNoNameWithoutTheBit) {
  for (std::uint32_t number = kX32FirstOwn; number <= kX32LastOwn; ++number) {
    EXPECT_EQ(Name(Arch::kX86_64, number), "") << number;
    EXPECT_EQ(Name(Arch::kX32, number), "") << number;
    EXPECT_NE(Name(Arch::kX32, number | kX32Bit), "") << number;
  }
  EXPECT_EQ(Name(Arch::kX86_64, kX32Bit), "");
  EXPECT_EQ(Name(Arch::kX32, 0), "");
  EXPECT_EQ(Name(Arch::kX32, (kX32LastOwn + 1) | kX32Bit), "");
}

TEST(Syscalls, UnknownNamesAndNumbers) {
  constexpr std::string_view kNames[] = {"", "openat3", "OPENAT", "openat ", {"open\0at", 7}};
  for (const std::string_view name : kNames) {
    EXPECT_FALSE(IsKnownName(name)) << name;
    EXPECT_EQ(Number(Arch::kX86_64, name), std::nullopt) << name;
  }
  EXPECT_TRUE(IsKnownName("socketcall"));
  EXPECT_EQ(Number(Arch::kX86_64, "socketcall"), std::nullopt);
  EXPECT_EQ(Name(Arch::kX86_64, kNewestNumber + 1), "");
  EXPECT_EQ(Name(Arch::kX86_64, 0xffffffff), "");
  EXPECT_EQ(Name(Arch::kMips, 0), "");
}

TEST(Syscalls, MultiplexersAreWhereTheTablesHaveThem) {
  for (const ArchInfo& info : AllArchs()) {
    EXPECT_EQ(Number(info.arch, "socketcall").has_value(), info.has_socketcall) << info.name;
    EXPECT_EQ(Number(info.arch, "ipc").has_value(), info.has_ipc) << info.name;
  }
  for (const Multiplexed& call : SocketcallTable()) EXPECT_TRUE(IsKnownName(call.name));
  for (const Multiplexed& call : IpcTable()) EXPECT_TRUE(IsKnownName(call.name));
  EXPECT_EQ(SocketcallTable().size(), 20u);
  EXPECT_EQ(IpcTable().size(), 12u);
}

}  // namespace
}  // namespace bailey::abi
