// Presets that say what others' filters say, held to those.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "abi/action.h"
#include "abi/syscalls.h"
#include "bpf/interpreter.h"
#include "compile/compile.h"
#include "policy/import_oci.h"
#include "policy/load.h"
#include "prove/reading.h"

namespace bailey {
namespace {

using abi::Arch;

policy::Syscalls Preset(std::string_view name, Arch native,
                        std::vector<std::string> architectures = {}) {
  auto policy = policy::Load(name, {.home = "/h", .current_directory = "/w", .native = native},
                             {.architectures = std::move(architectures)});
  EXPECT_TRUE(policy) << base::ToString(policy.error());
  return policy ? std::move(policy->syscalls) : policy::Syscalls();
}

// Whether the filter of `compiled` answers every call as `read` reads.
void ExpectSame(const policy::Syscalls& compiled, const policy::Syscalls& read,
                std::string_view what) {
  const auto program = compile::Compile(compiled);
  ASSERT_TRUE(program) << base::ToString(program.error());
  std::size_t tried = 0;
  const auto same = prove::Check(read, *program, &tried);
  EXPECT_TRUE(same) << what << ": " << base::ToString(same.error());
  EXPECT_GT(tried, 1000u);
}

TEST(DockerDefault, IsDockersProfile) {
  std::ifstream file(BAILEY_SOURCE_DIR "/data/docker-default-seccomp.json");
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Arch native : {Arch::kX86_64, Arch::kAarch64, Arch::kS390x, Arch::kRiscv64,
                            Arch::kLoongarch64, Arch::kPpc64le, Arch::kArm}) {
    const policy::Syscalls preset = Preset("docker-default", native);
    const auto profile = policy::ImportOci(json, "docker",
                                           {.capabilities = policy::DefaultContainerCapabilities(),
                                            .native = native,
                                            .architectures = preset.architectures});
    ASSERT_TRUE(profile) << base::ToString(profile.error());
    ExpectSame(preset, *profile, abi::Info(native).name);
  }
  // With x32, which the profile has and the preset leaves to those who need it.
  const auto profile = policy::ImportOci(
      json, "docker",
      {.capabilities = policy::DefaultContainerCapabilities(), .native = Arch::kX86_64});
  ASSERT_TRUE(profile);
  ExpectSame(Preset("docker-default", Arch::kX86_64, {"x86_64", "i386", "x32"}), *profile, "x32");
}

std::string AnswerOf(const policy::Syscalls& syscalls, Arch arch, std::string_view call,
                     std::vector<std::uint64_t> args) {
  bpf::SeccompData data = {.nr = abi::Number(arch, call).value_or(0xfffffff),
                           .arch = abi::Info(arch).token};
  std::copy(args.begin(), args.end(), data.args.begin());
  const auto program = compile::Compile(syscalls);
  if (!program) return base::ToString(program.error());
  return abi::ToString(
      abi::Decode(bpf::Interpret(*program, data, abi::Info(arch).big_endian).value), arch);
}

TEST(Flatpak, AnswersAsFlatpaksFilter) {
  const policy::Syscalls flatpak = Preset("flatpak", Arch::kX86_64);
  const struct {
    std::string_view call;
    std::vector<std::uint64_t> args;
    std::string_view want;
  } rows[] = {
      {"read", {}, "allow"},
      {"syslog", {}, "EPERM"},
      {"keyctl", {}, "EPERM"},
      {"chroot", {}, "EPERM"},
      {"umount2", {}, "EPERM"},
      {"ptrace", {}, "EPERM"},
      {"perf_event_open", {}, "EPERM"},
      {"clone3", {}, "ENOSYS"},
      {"fspick", {}, "ENOSYS"},
      {"open_tree_attr", {}, "allow"},  // newer than the list
      {"clone", {0x10000000}, "EPERM"},
      {"clone", {0x20000000}, "allow"},
      {"ioctl", {0, 0x5412}, "EPERM"},
      {"ioctl", {0, 0x700005412}, "EPERM"},  // CVE-2019-10063
      {"ioctl", {0, 0x541c}, "allow"},
      {"personality", {0}, "allow"},
      {"personality", {8}, "EPERM"},
      {"socket", {0}, "allow"},
      {"socket", {1}, "allow"},
      {"socket", {2}, "allow"},
      {"socket", {10}, "allow"},
      {"socket", {16}, "allow"},
      {"socket", {29}, "EAFNOSUPPORT"},
      {"socket", {31}, "EAFNOSUPPORT"},
      {"socket", {40}, "EAFNOSUPPORT"},
      {"socket", {0xffffffff}, "EAFNOSUPPORT"},
      {"no such call", {}, "allow"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(AnswerOf(flatpak, Arch::kX86_64, row.call, row.args), row.want) << row.call;
  }
  EXPECT_EQ(AnswerOf(flatpak, Arch::kI386, "socketcall", {1}), "allow");
  EXPECT_EQ(AnswerOf(flatpak, Arch::kI386, "socket", {40}), "EAFNOSUPPORT");
  EXPECT_EQ(AnswerOf(flatpak, Arch::kAarch64, "read", {}), "kill-process");

  const policy::Syscalls hardened = Preset("flatpak-hardened", Arch::kX86_64);
  EXPECT_EQ(AnswerOf(hardened, Arch::kI386, "socketcall", {1}), "EAFNOSUPPORT");
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "ioctl", {0, 0x541c}), "EPERM");
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "ioctl", {0, 0x5412}), "EPERM");
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "ioctl", {0, 0x5401}), "allow");
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "open_tree_attr", {}), "ENOSYS");
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "no such call", {}), "ENOSYS");
  for (const std::uint64_t flag :
       {0x20000u, 0x2000000u, 0x4000000u, 0x8000000u, 0x10000000u, 0x20000000u, 0x40000000u}) {
    EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "clone", {flag | 17}), "EPERM") << flag;
  }
  EXPECT_EQ(AnswerOf(hardened, Arch::kX86_64, "clone", {17}), "allow");
}

}  // namespace
}  // namespace bailey
