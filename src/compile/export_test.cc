// Exports are judged by what they mean when they are read back: the imported policy's filter must
// answer as the policy does.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "compile/compile.h"
#include "compile/export_profile.h"
#include "policy/import_firecracker.h"
#include "policy/import_oci.h"
#include "policy/load.h"
#include "prove/random_policy.h"
#include "prove/reading.h"

namespace bailey::compile {
namespace {

using abi::Arch;

policy::Syscalls Load(std::string_view text, Arch native = Arch::kX86_64) {
  auto policy = policy::Parse("bailey = 1\n[syscalls]\n" + std::string(text), "x.toml",
                              {.home = "/h", .current_directory = "/w", .native = native});
  EXPECT_TRUE(policy) << base::ToString(policy.error());
  return policy ? std::move(policy->syscalls) : policy::Syscalls();
}

// Empty when the filter of `imported` answers as `original` reads.
std::string Difference(const policy::Syscalls& original, const policy::Syscalls& imported) {
  const auto program = Compile(imported);
  if (!program) return "import does not compile: " + base::ToString(program.error());
  const auto same = prove::Check(original, *program);
  return same ? "" : base::ToString(same.error());
}

std::string RoundTripOci(const policy::Syscalls& syscalls) {
  const auto json = ExportOci(syscalls);
  if (!json) return base::ToString(json.error());
  if (!nlohmann::json::accept(*json)) return "not JSON: " + *json;
  const auto imported =
      policy::ImportOci(*json, "exported.json", {.native = syscalls.architectures[0]});
  if (!imported) return base::ToString(imported.error());
  return Difference(syscalls, *imported);
}

std::string RoundTripFirecracker(const policy::Syscalls& syscalls) {
  const auto json = ExportFirecracker(syscalls, "main");
  if (!json) return base::ToString(json.error());
  if (!nlohmann::json::accept(*json)) return "not JSON: " + *json;
  const auto imported =
      policy::ImportFirecracker(*json, "exported.json", syscalls.architectures[0]);
  if (!imported) return base::ToString(imported.error());
  return Difference(syscalls, imported->at("main"));
}

TEST(ExportOci, PresetsComeBackTheSame) {
  for (const char* preset : {"untrusted", "agent", "build", "docker-default", "flatpak",
                             "flatpak-devel", "vmm", "allow-all"}) {
    for (const Arch native : {Arch::kX86_64, Arch::kAarch64, Arch::kS390x, Arch::kRiscv64}) {
      auto policy =
          policy::Load(preset, {.home = "/h", .current_directory = "/w", .native = native});
      ASSERT_TRUE(policy) << base::ToString(policy.error());
      policy->syscalls.architectures = {native};  // arguments differ between s390x and s390
      EXPECT_EQ(RoundTripOci(policy->syscalls), "") << preset << " on " << abi::Info(native).name;
    }
  }
}

TEST(ExportOci, SaysWhatItCannotSay) {
  const struct {
    std::string_view text, want;
  } rows[] = {
      {"foreign = \"EPERM\"",
       "write OCI profile: foreign architectures are killed there, and the policy answers EPERM"},
      {"unknown = \"EPERM\"",
       "write OCI profile: unknown numbers answer ENOSYS there, and EPERM in the policy"},
      {"default = \"allow\"\nunknown = \"ENOSYS\"",
       "write OCI profile: unknown numbers answer allow there, and ENOSYS in the policy"},
      {"deny = [{ nr = 500, arch = \"x86_64\", errno = \"EACCES\" }]",
       "x.toml:3:9: write OCI profile: the rule for number 500 (deny of x): calls are named "
       "there, "
       "and x86_64 has none of it"},
      {"deny = [{ syscall = \"read\", action = \"trap\", data = 7 }]",
       "x.toml:3:9: write OCI profile: the rule for read (deny of x): there is no place for the "
       "data of trap(7)"},
      {"architectures = [\"x86_64\", \"i386\"]\n"
       "allow = [{ syscall = \"read\", arch = \"x86_64\" }]",
       "x.toml:4:10: write OCI profile: the rule for read (allow of x): it differs between x86_64 "
       "and i386; write one for each architecture"},
      {"allow = [{ syscall = \"mknod\", when = \"arg1.raw & 0x30000\" }]",
       "x.toml:3:10: write OCI profile: the rule for mknod (allow of x): it looks at bits of arg1 "
       "that the kernel does not read"},
  };
  for (const auto& row : rows) {
    const auto json = ExportOci(Load(row.text));
    ASSERT_FALSE(json) << row.text;
    EXPECT_EQ(base::ToString(json.error()), row.want);
  }
  const auto mips = ExportOci(Load("", Arch::kMips64));
  ASSERT_FALSE(mips);
  EXPECT_THAT(base::ToString(mips.error()),
              testing::HasSubstr("errno 89 is another one on mips64"));
}

TEST(ExportFirecracker, ComesBackTheSame) {
  EXPECT_EQ(RoundTripFirecracker(Load(R"(architectures = ["x86_64"]
default = "trap"
unknown = "trap"
allow = ["read", { syscall = "ioctl", when = "cmd & 0xff00 == 0xae00" },
  { syscall = "socket", when = "family == AF_UNIX and not type & 0x800" },
  { syscall = "lseek", when = "offset == -1" }])")),
            "");
}

TEST(ExportFirecracker, SaysWhatItCannotSay) {
  const struct {
    std::string_view text, want;
  } rows[] = {
      {"",
       "write Firecracker filter: it is for one architecture (x86_64, aarch64 or riscv64); name "
       "it with --arch"},
      {"architectures = [\"x86_64\"]",
       "write Firecracker filter: unknown numbers answer the default there, EPERM, and ENOSYS in "
       "the policy"},
      {"architectures = [\"x86_64\"]\ndefault = \"notify\"\nunknown = \"notify\"",
       "write Firecracker filter: it has no action notify"},
      {"architectures = [\"x86_64\"]\nunknown = \"EPERM\"\nfallback = \"EPERM\"\nallow = "
       "[\"read\"]\n"
       "deny = [{ syscall = \"write\", action = \"kill\" }]",
       "x.toml:7:9: write Firecracker filter: the rule for write (deny of x): beside the default "
       "there is one answer, which is allow for others and kill-process for this"},
  };
  for (const auto& row : rows) {
    const auto json = ExportFirecracker(Load(row.text), "main");
    ASSERT_FALSE(json) << row.text;
    EXPECT_EQ(base::ToString(json.error()), row.want);
  }
}

// Arbitrary policies: what is exported is valid and means the same; what is not says why.
TEST(Export, RandomPoliciesComeBackTheSameOrNotAtAll) {
  const std::uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::size_t same[2] = {};
  std::size_t refused[2] = {};
  std::size_t too_large = 0;  // as lists without order they may be more than a filter holds
  for (int i = 0; i < 400; ++i) {
    policy::Syscalls syscalls = prove::RandomSyscalls(
        random, i % 3 == 0 ? std::vector{Arch::kX86_64, Arch::kI386} : std::vector{Arch::kX86_64},
        {"socket", "ioctl", "clone", "mknod", "lseek", "personality", "read", "ipc", "clone3"});
    // What neither can say for any policy is left to the tests above.
    syscalls.foreign = {abi::ActionKind::kKillProcess, "", 0};
    syscalls.default_action = {abi::ActionKind::kErrno, "EPERM", 0};
    syscalls.fallback_default = syscalls.default_action;
    if (i % 2 == 0) syscalls.unknown = {abi::ActionKind::kErrno, "ENOSYS", 0};
    if (i % 2 != 0) syscalls.unknown = syscalls.default_action;
    if (i % 2 != 0) {
      for (policy::Rule& rule : syscalls.rules) {
        if (rule.answer.kind != abi::ActionKind::kErrno) {
          rule.answer = {abi::ActionKind::kAllow, "", 0};
        } else {
          rule.answer = syscalls.default_action;
        }
      }
    }
    const bool oci = i % 2 == 0;
    const auto json = oci ? ExportOci(syscalls) : ExportFirecracker(syscalls, "a \"thread\"\x80");
    if (!json) {
      EXPECT_EQ(json.error().code, base::ErrorCode::kUnsupported) << base::ToString(json.error());
      ++refused[i % 2];
      continue;
    }
    EXPECT_TRUE(nlohmann::json::accept(*json)) << *json;
    const std::string difference = oci ? RoundTripOci(syscalls) : RoundTripFirecracker(syscalls);
    if (difference.find("needs more than 4096 instructions") != std::string::npos) {
      ++too_large;
      continue;
    }
    EXPECT_EQ(difference, "") << "seed " << seed << ", case " << i << "\n" << *json;
    ++same[i % 2];
    if (testing::Test::HasFailure()) return;
  }
  fmt::print(
      "seed {}: OCI {} the same, {} refused; Firecracker {} the same, {} refused; {} too large\n",
      seed, same[0], refused[0], same[1], refused[1], too_large);
  EXPECT_LT(too_large, 20u);
  EXPECT_GT(same[0], 20u);
  EXPECT_GT(same[1], 20u);
}

}  // namespace
}  // namespace bailey::compile
