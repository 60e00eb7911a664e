// libseccomp's filter of Docker's profile against ours, call by call. Where they differ, this says
// why, and who is right.
#include "peer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "bpf/interpreter.h"
#include "compile/compile.h"
#include "policy/import_oci.h"

namespace bailey::bench {
namespace {

using abi::Arch;

const Arch kArchs[] = {Arch::kX86_64, Arch::kI386, Arch::kX32};

policy::Syscalls Profile() {
  const std::string path = BAILEY_SOURCE_DIR "/data/docker-default-seccomp.json";
  std::ifstream file(path);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  auto syscalls = policy::ImportOci(json, path,
                                    {.capabilities = policy::DefaultContainerCapabilities(),
                                     .architectures = {kArchs, kArchs + 3}});
  EXPECT_TRUE(syscalls);
  // What libseccomp answers; runc adds ENOSYS for newer numbers on its own.
  syscalls->unknown = syscalls->default_action;
  return *syscalls;
}

bpf::Program Ours(const policy::Syscalls& syscalls) { return *compile::Compile(syscalls); }

// Arguments as a program passes them that means well: 32-bit values without anything above.
std::vector<std::uint64_t> Values() {
  std::vector<std::uint64_t> values = {0,      1,      2,          3,          8,          9,   16,
                                       17,     37,     38,         39,         40,         41,  42,
                                       131072, 131080, 0xffffffff, 0x7e020000, 0x10000000, 0x11};
  for (unsigned bit = 0; bit < 32; ++bit) values.push_back(1ull << bit);
  return values;
}

TEST(Peer, AnswersTheSameWhereArgumentsAreNarrow) {
  const policy::Syscalls syscalls = Profile();
  const auto ours = Ours(syscalls);
  for (const bool tree : {false, true}) {
    const auto built = BuildWithLibseccomp(syscalls, tree);
    ASSERT_TRUE(built) << built.error().text;
    const auto theirs = bpf::Validate(*built);
    ASSERT_TRUE(theirs);
    std::size_t rows = 0;
    std::set<std::string> differ;
    for (const Arch arch : kArchs) {
      for (const abi::Syscall& call : abi::Syscalls(arch)) {
        // A table that is older than ours is no difference between filters.
        if (!IsKnownToPeer(arch, std::string(call.name))) continue;
        for (const std::uint64_t value : Values()) {
          bpf::SeccompData data = {.nr = call.number, .arch = abi::Info(arch).token};
          data.args.fill(value);
          ++rows;
          const std::uint32_t us = bpf::Interpret(ours, data, false).value;
          const std::uint32_t them = bpf::Interpret(*theirs, data, false).value;
          if (us == them) continue;
          differ.insert(std::string(abi::Info(arch).name) + " " + std::string(call.name) + ": " +
                        abi::ToString(abi::Decode(us)) + ", libseccomp " +
                        abi::ToString(abi::Decode(them)));
        }
      }
    }
    std::cout << rows << " calls compared with libseccomp" << (tree ? "'s tree" : "") << "\n";
    EXPECT_EQ(differ, std::set<std::string>{});
  }
}

// The kernel reads 32 bits of ioctl's request; libseccomp compares the 64 that it is given, and a
// request with anything above them gets by (CVE-2019-10063, in a policy that was written so).
TEST(Peer, ComparesBitsThatTheKernelDoesNotRead) {
  policy::Syscalls syscalls;
  syscalls.default_action = {abi::ActionKind::kAllow, "", 0};
  syscalls.architectures = {Arch::kX86_64};
  syscalls.rules.push_back({.syscall = "ioctl",
                            .condition = *policy::ParseCondition("arg1 == 0x5412"),
                            .answer = {abi::ActionKind::kErrno, "EPERM", 0}});
  const auto built = BuildWithLibseccomp(syscalls, false);
  ASSERT_TRUE(built) << built.error().text;
  const auto theirs = *bpf::Validate(*built);
  const auto ours = Ours(syscalls);
  bpf::SeccompData push = {.nr = 16, .arch = abi::Info(Arch::kX86_64).token};
  push.args[1] = *abi::Constant(Arch::kX86_64, "TIOCSTI");
  EXPECT_EQ(abi::ToString(abi::Decode(bpf::Interpret(theirs, push, false).value)), "EPERM");
  EXPECT_EQ(abi::ToString(abi::Decode(bpf::Interpret(ours, push, false).value)), "EPERM");
  push.args[1] |= 1ull << 32;
  EXPECT_EQ(abi::ToString(abi::Decode(bpf::Interpret(theirs, push, false).value)), "allow");
  EXPECT_EQ(abi::ToString(abi::Decode(bpf::Interpret(ours, push, false).value)), "EPERM");
}

}  // namespace
}  // namespace bailey::bench
