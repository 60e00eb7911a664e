#include "policy/import_oci.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace bailey::policy {
namespace {

using abi::Arch;
using testing::ElementsAre;

// "socket when arg0 == 1 -> allow"
std::vector<std::string> RulesOf(std::string_view json, const OciOptions& options = {}) {
  const auto syscalls = ImportOci(json, "p.json", options);
  if (!syscalls) return {base::ToString(syscalls.error())};
  std::vector<std::string> rules;
  for (const Rule& rule : syscalls->rules) {
    rules.push_back(rule.syscall + (rule.condition ? " when " + ToString(*rule.condition) : "") +
                    " -> " + ToString(rule.answer));
  }
  return rules;
}

std::string WithRules(std::string_view rules) {
  return std::string(R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [)") + std::string(rules) +
         "]}";
}

TEST(ImportOci, ReadsDefaultsAndArchitectures) {
  const auto profile = ImportOci(
      R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
          "archMap": [{"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
                      {"architecture": "SCMP_ARCH_S390X", "subArchitectures": null}]})",
      "p.json", {.native = Arch::kAarch64});
  ASSERT_TRUE(profile);
  EXPECT_EQ(ToString(profile->default_action), "ENOSYS");
  EXPECT_EQ(profile->fallback_default, profile->default_action);
  EXPECT_THAT(profile->architectures, ElementsAre(Arch::kAarch64, Arch::kArm));
  EXPECT_THAT(profile->rules, testing::IsEmpty());

  const auto plain = ImportOci(
      R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"]})", "p.json");
  ASSERT_TRUE(plain);
  EXPECT_EQ(ToString(plain->unknown), "allow") << "what is not named is allowed";
  EXPECT_THAT(plain->architectures, ElementsAre(Arch::kX86_64));
}

TEST(ImportOci, ReadsRules) {
  EXPECT_THAT(RulesOf(WithRules(
                  R"({"names": ["read", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
             {"name": "bind", "action": "SCMP_ACT_ERRNO", "errnoRet": 97},
             {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4000},
             {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
              "args": [{"index": 0, "value": 2114060288, "valueTwo": 0,
                        "op": "SCMP_CMP_MASKED_EQ"}]},
             {"names": ["socket"], "action": "SCMP_ACT_LOG",
              "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_GT"},
                       {"index": 2, "value": 9, "op": "SCMP_CMP_NE"}]},
             {"names": ["personality"], "action": "SCMP_ACT_KILL",
              "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},
                       {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
             {"names": ["lseek"], "action": "SCMP_ACT_TRAP",
              "args": [{"index": 1, "value": 4294967296, "op": "SCMP_CMP_EQ"}]})")),
              ElementsAre("read -> allow", "bind -> EAFNOSUPPORT", "kill -> errno(4000)",
                          "clone when arg0 & 0x7e020000 == 0 -> allow",
                          "socket when arg0 & 0xffffffffffffffff > 40 and arg2 != 9 -> log",
                          "personality when arg0 == 0 or arg0 == 8 -> kill-thread",
                          "lseek when arg1.raw == 0x100000000 -> trap"));
}

TEST(ImportOci, FollowsIncludesAndExcludes) {
  const std::string json = WithRules(
      R"({"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF"]}},
         {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
         {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
         {"names": ["clone3"], "action": "SCMP_ACT_ALLOW",
          "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390x"]}})");
  EXPECT_THAT(RulesOf(json, {.native = Arch::kX86_64}),
              ElementsAre("ptrace -> allow", "arch_prctl -> allow", "clone3 -> allow"));
  EXPECT_THAT(RulesOf(json, {.capabilities = {"CAP_BPF", "CAP_SYS_ADMIN"},
                             .native = Arch::kAarch64,
                             .kernel_major = 4,
                             .kernel_minor = 7}),
              ElementsAre("bpf -> allow"));
  EXPECT_THAT(RulesOf(json, {.native = Arch::kS390x, .kernel_major = 4, .kernel_minor = 10}),
              ElementsAre("ptrace -> allow"));
}

TEST(ImportOci, ARuleWithoutArgumentsDecides) {
  constexpr std::string_view kConditioned =
      R"({"names": ["dup"], "action": "SCMP_ACT_LOG",
          "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]})";
  constexpr std::string_view kAlways = R"({"names": ["dup"], "action": "SCMP_ACT_ALLOW"})";
  const std::string both = std::string(kConditioned) + "," + std::string(kAlways);
  const std::string turned = std::string(kAlways) + "," + std::string(kConditioned);
  EXPECT_THAT(RulesOf(WithRules(both)), ElementsAre("dup -> allow"));
  EXPECT_THAT(RulesOf(WithRules(turned)), ElementsAre("dup -> allow"));
  EXPECT_THAT(RulesOf(WithRules(std::string(kAlways) + "," +
                                R"({"names": ["dup"], "action": "SCMP_ACT_KILL"})")),
              ElementsAre("dup -> allow"))
      << "the first of two";
}

// Includes ask for what must be there, excludes for what must not; several of one rule all hold.
TEST(ImportOci, CombinesIncludesAndExcludes) {
  const std::string json = WithRules(
      R"({"names": ["syslog"], "action": "SCMP_ACT_ALLOW",
          "includes": {"caps": ["CAP_SYSLOG"], "minKernel": "5.10"}},
         {"names": ["syslog"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
          "excludes": {"caps": ["CAP_SYSLOG"]}},
         {"names": ["mount", "umount2"], "action": "SCMP_ACT_ALLOW",
          "includes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["amd64", "arm64"]}},
         {"names": ["openat2"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "5.6"},
          "excludes": {"arches": ["riscv64"]}})");
  EXPECT_THAT(RulesOf(json, {.native = Arch::kX86_64}),
              ElementsAre("syslog -> EACCES", "openat2 -> allow"));
  EXPECT_THAT(RulesOf(json, {.capabilities = {"CAP_SYSLOG"},
                             .native = Arch::kX86_64,
                             .kernel_major = 5,
                             .kernel_minor = 9}),
              ElementsAre("openat2 -> allow"))
      << "5.9 is older than 5.10";
  EXPECT_THAT(RulesOf(json, {.capabilities = {"CAP_SYSLOG", "CAP_SYS_ADMIN"},
                             .native = Arch::kRiscv64,
                             .kernel_major = 6}),
              ElementsAre("syslog -> allow"));
}

// What Podman runs containers under, as Debian installs it.
TEST(ImportOci, ReadsDebiansProfile) {
  constexpr const char* kPath = "/usr/share/containers/seccomp.json";
  std::ifstream file(kPath);
  if (!file) GTEST_SKIP() << "golang-github-containers-common is not installed: no " << kPath;
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    const auto profile = ImportOci(json, kPath, {.native = info.arch});
    ASSERT_TRUE(profile) << info.name << ": " << base::ToString(profile.error());
  }
  const OciOptions plain = {.capabilities = DefaultContainerCapabilities(),
                            .native = Arch::kX86_64};
  const auto rules = RulesOf(json, plain);
  EXPECT_THAT(rules, testing::Contains("read -> allow"));
  EXPECT_THAT(rules, testing::Contains("bpf -> EPERM"));
  EXPECT_THAT(rules, testing::Contains("setns -> allow"));
  OciOptions admin = plain;
  admin.capabilities.push_back("CAP_SYS_ADMIN");
  EXPECT_THAT(RulesOf(json, admin), testing::Contains("bpf -> allow"));
}

TEST(ImportOci, SaysWhatIsWrong) {
  const struct {
    std::string json, want;
  } rows[] = {
      {"{\"a\": 4e999}", "read profile p.json: a number in it is larger than any"},
      {"{\n  \"a\": ,", "p.json:2:8: read profile p.json: it is not JSON"},
      {"[]", "read profile p.json: it is not a JSON object"},
      {"{}", "read profile p.json: it has no \"defaultAction\""},
      {R"({"defaultAction": 1})", "read profile p.json: \"defaultAction\" is not a string"},
      {R"({"defaultAction": "ALLOW"})", "read profile p.json: unknown action \"ALLOW\""},
      {R"({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["vax"]})",
       "read profile p.json: architectures: unknown architecture \"vax\""},
      {WithRules("7"), "read profile p.json: syscalls[0]: it is not an object"},
      {WithRules("{}"), "read profile p.json: syscalls[0]: it names no call"},
      {WithRules(R"({"names": [1]})"),
       "read profile p.json: syscalls[0]: \"names\" is not a list of strings"},
      {WithRules(R"({"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": -1})"),
       "read profile p.json: syscalls[0]: \"errnoRet\" is not a number from 0 to 2^64-1"},
      {WithRules(R"({"names": ["dup"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6}]})"),
       "read profile p.json: syscalls[0].args[0]: \"index\" is not a number from 0 to 5"},
      {WithRules(R"({"names": ["dup"], "action": "SCMP_ACT_ALLOW",
                     "args": [{"index": 0, "op": "=="}]})"),
       "read profile p.json: syscalls[0].args[0]: unknown operator \"==\""},
      {WithRules(R"({"names": ["dup"], "action": "SCMP_ACT_ALLOW",
                     "includes": {"minKernel": "new"}})"),
       "read profile p.json: syscalls[0]: \"minKernel\" is \"new\", not a version"},
  };
  for (const auto& row : rows) {
    const auto profile = ImportOci(row.json, "p.json");
    ASSERT_FALSE(profile) << row.json;
    EXPECT_EQ(base::ToString(profile.error()), row.want);
  }
}

}  // namespace
}  // namespace bailey::policy
