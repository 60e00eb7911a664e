// The section of system calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "abi/syscalls.h"
#include "policy/load.h"
#include "policy/test_loading.h"

namespace bailey::policy {
namespace {

using testing::ElementsAre;

TEST(Families, CloseWhatIsNotListed) {
  const struct {
    const char* sentence;
    const char* text;
    std::vector<std::string> socket, socketpair;
  } kCases[] = {
      {"none at all",
       "[syscalls]\nsocket-families = []",
       {"EAFNOSUPPORT (socket-families of x)"},
       {"EAFNOSUPPORT (socket-families of x)"}},
      {"unix without a path is socketpair only",
       "[syscalls]\nsocket-families = [\"unix\"]",
       {"EAFNOSUPPORT when family == AF_UNIX (sockets of x)",
        "EAFNOSUPPORT when not family in {AF_UNIX} (socket-families of x)"},
       {"EAFNOSUPPORT when not family in {AF_UNIX} (socket-families of x)"}},
      {"unix with a path",
       "filesystem.sockets = [\"/run/s\"]\n[syscalls]\nsocket-families = [\"unix\"]",
       {"EAFNOSUPPORT when not family in {AF_UNIX} (socket-families of x)"},
       {"EAFNOSUPPORT when not family in {AF_UNIX} (socket-families of x)"}},
      {"several, in the order of their numbers, once each",
       "[syscalls]\nsocket-families = [\"inet6\", \"inet\", \"inet6\"]",
       {"EAFNOSUPPORT when not family in {AF_INET, AF_INET6} (socket-families of x)"},
       {"EAFNOSUPPORT when not family in {AF_INET, AF_INET6} (socket-families of x)"}},
      {"a layer's own deny is in front of them, its allow behind",
       "[syscalls]\nsocket-families = []\nallow = [\"socketpair\"]\n"
       "deny = [{ syscall = \"socket\", errno = \"EACCES\" }]",
       {"EACCES (deny of x)"},
       {"EAFNOSUPPORT (socket-families of x)"}},
      {"nothing said, nothing closed", "[syscalls]\ndefault = \"allow\"", {}, {}},
  };
  for (const auto& c : kCases) {
    const Policy policy = Read(c.text);
    EXPECT_EQ(RulesOf(policy, "socket"), c.socket) << c.sentence;
    EXPECT_EQ(RulesOf(policy, "socketpair"), c.socketpair) << c.sentence;
  }
}

TEST(Calls, EveryFormOfAnEntry) {
  const Policy policy = Read(R"(
[syscalls]
default = "kill"
unknown = "log"
foreign = "trap"
fallback = "EPERM"
architectures = ["compat", "x32", "i386"]
multiplexers = "open"
allow = [{ nr = 0x40000200, arch = "x32" }, { syscall = "read", arch = "i386" }]
deny = [
  { syscall = "getpid", errno = "EAGAIN" },
  { syscall = "getuid", errno = 0 },
  { syscall = "getgid", action = "kill" },
  { syscall = "dup", action = "kill-thread" },
  { syscall = "pipe", action = "trap", data = 7 },
  { syscall = "fork", action = "trace", data = 65535 },
  { syscall = "vfork", action = "notify" },
  { syscall = "pause", action = "log" },
  { syscall = "@keyring", errno = "ENOSYS" },
  { nr = 1, arch = "i386", when = "arg0.raw == 0x100000000", action = "kill-process" },
  "openat2", "ptrace",
]
)");
  EXPECT_EQ(ToString(policy.syscalls.default_action), "kill-process");
  EXPECT_EQ(ToString(policy.syscalls.unknown), "log");
  EXPECT_EQ(ToString(policy.syscalls.foreign), "trap");
  EXPECT_EQ(ToString(policy.syscalls.fallback_default), "EPERM");
  EXPECT_EQ(policy.syscalls.multiplexers, Multiplexers::kOpen);
  EXPECT_THAT(policy.syscalls.architectures, ElementsAre(abi::Arch::kI386, abi::Arch::kX32));
  const struct {
    const char* call;
    const char* want;
  } kCases[] = {{"getpid", "EAGAIN (deny of x)"},          {"getuid", "errno(0) (deny of x)"},
                {"getgid", "kill-process (deny of x)"},    {"dup", "kill-thread (deny of x)"},
                {"pipe", "trap(7) (deny of x)"},           {"fork", "trace(65535) (deny of x)"},
                {"vfork", "notify (deny of x)"},           {"pause", "log (deny of x)"},
                {"keyctl", "ENOSYS (deny @keyring of x)"}, {"openat2", "ENOSYS (deny of x)"},
                {"ptrace", "EPERM (deny of x)"},           {"read", "allow on i386 (allow of x)"}};
  for (const auto& c : kCases)
    EXPECT_EQ(RulesOf(policy, c.call), std::vector<std::string>{c.want}) << c.call;
  const auto numbered = [&](std::uint32_t number) {
    return std::ranges::find(policy.syscalls.rules, std::optional(number), &Rule::number);
  };
  ASSERT_NE(numbered(0x40000200), policy.syscalls.rules.end());
  EXPECT_EQ(numbered(0x40000200)->arch, abi::Arch::kX32);
  ASSERT_NE(numbered(1), policy.syscalls.rules.end());
  EXPECT_EQ(ToString(*numbered(1)->condition), "arg0.raw == 0x100000000");
}

// i386 has no direct accept, send or semop: a rule that names them speaks of socketcall and ipc.
TEST(Calls, NamesThatOnlyAMultiplexerReachesAreKept) {
  const Policy policy = Read(R"(
[syscalls]
architectures = ["i386"]
allow = ["accept", "@ipc", "send"]
)");
  EXPECT_EQ(RulesOf(policy, "accept"), (std::vector<std::string>{"allow (allow of x)"}));
  EXPECT_EQ(RulesOf(policy, "send"), (std::vector<std::string>{"allow (allow of x)"}));
  EXPECT_EQ(RulesOf(policy, "semop"), (std::vector<std::string>{"allow (allow @ipc of x)"}));
  EXPECT_EQ(ErrorOf("[syscalls]\narchitectures = [\"aarch64\"]\nallow = [\"send\"]"),
            "x.toml:4:10: read [syscalls] allow: \"send\" is no system call of aarch64\n"
            "allow = [\"send\"]\n"
            "         ^");
}

TEST(Calls, ArchitecturesWithoutACompanion) {
  Context context = kContext;
  context.native = abi::Arch::kRiscv64;
  EXPECT_THAT(Read("", {}, context).syscalls.architectures, ElementsAre(abi::Arch::kRiscv64));
}

TEST(Calls, ArchitecturesOfTheCommandLine) {
  const Policy policy =
      Read("syscalls.architectures = ['x32']", {.architectures = {"arm64", "native", "aarch64"}});
  EXPECT_THAT(policy.syscalls.architectures, ElementsAre(abi::Arch::kAarch64, abi::Arch::kX86_64));
}

TEST(Calls, WhatIsDecidedAlreadyIsLeftOut) {
  const Policy policy = Read(R"(
[syscalls]
allow = ["@basic-io", "@basic-io", "read", "read"]
deny = ["write", { syscall = "write", when = "fd == 1" }]
)");
  EXPECT_EQ(RulesOf(policy, "read"), (std::vector<std::string>{"allow (allow of x)"}));
  EXPECT_EQ(RulesOf(policy, "write"), (std::vector<std::string>{"EPERM (deny of x)"}));
  EXPECT_EQ(RulesOf(policy, "readv"), (std::vector<std::string>{"allow (allow @basic-io of x)"}));
}

}  // namespace
}  // namespace bailey::policy
