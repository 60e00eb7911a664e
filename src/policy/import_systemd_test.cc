#include "policy/import_systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bailey::policy {
namespace {

using abi::Arch;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<std::string> RulesOf(std::string_view unit) {
  const auto syscalls = ImportSystemd(unit, "x.service", Arch::kX86_64);
  if (!syscalls) return {base::ToString(syscalls.error())};
  std::vector<std::string> rules;
  for (const Rule& rule : syscalls->rules)
    rules.push_back(rule.syscall + " -> " + ToString(rule.answer));
  return rules;
}

TEST(ImportSystemd, AListOfWhatIsAllowed) {
  const auto syscalls = ImportSystemd(
      "[Service]\n# SystemCallFilter=reboot\nSystemCallFilter=@system-service \\\n  mount\n"
      "SystemCallFilter=~@privileged @resources\nSystemCallFilter=~ptrace:EACCES\n"
      "SystemCallErrorNumber=EPERM\nSystemCallArchitectures=native x86\n",
      "x.service", Arch::kX86_64);
  ASSERT_TRUE(syscalls) << base::ToString(syscalls.error());
  EXPECT_EQ(ToString(syscalls->default_action), "EPERM");
  EXPECT_EQ(ToString(syscalls->fallback_default), "EPERM");
  EXPECT_EQ(ToString(syscalls->unknown), "ENOSYS");
  EXPECT_THAT(syscalls->architectures, ElementsAre(Arch::kX86_64, Arch::kI386));
  std::vector<std::string> rules;
  for (const Rule& rule : syscalls->rules)
    rules.push_back(rule.syscall + " -> " + ToString(rule.answer));
  for (const char* allowed : {"read", "execve", "openat", "mount", "socket"})
    EXPECT_THAT(rules, Contains(std::string(allowed) + " -> allow"));
  EXPECT_THAT(rules, Contains("ptrace -> EACCES"));
  for (const char* removed : {"reboot", "chown", "setpriority", "init_module"})
    EXPECT_THAT(rules, Not(Contains(std::string(removed) + " -> allow")));
}

TEST(ImportSystemd, AListOfWhatIsDenied) {
  const auto syscalls = ImportSystemd(
      "SystemCallFilter=~@keyring mount:EACCES reboot:kill dup:4\n"
      "SystemCallFilter=keyctl\n",
      "x.service", Arch::kAarch64);
  ASSERT_TRUE(syscalls) << base::ToString(syscalls.error());
  EXPECT_EQ(ToString(syscalls->default_action), "allow");
  EXPECT_EQ(ToString(syscalls->unknown), "allow");
  EXPECT_THAT(syscalls->architectures, ElementsAre(Arch::kAarch64, Arch::kArm));
  EXPECT_THAT(
      RulesOf(
          "SystemCallFilter=~@keyring mount:EACCES reboot:kill dup:4\nSystemCallFilter=keyctl\n"),
      ElementsAre("add_key -> kill-process", "dup -> errno(4)", "mount -> EACCES",
                  "reboot -> kill-process", "request_key -> kill-process"));
}

TEST(ImportSystemd, AnEmptyOneBeginsAnew) {
  EXPECT_THAT(RulesOf("SystemCallFilter=@system-service\nSystemCallFilter=\nSystemCallFilter=~dup"),
              ElementsAre("dup -> kill-process"));
}

TEST(ImportSystemd, SaysWhatIsWrong) {
  const struct {
    std::string_view unit, want;
  } rows[] = {
      {"", "x.service: read unit: it has no SystemCallFilter="},
      {"[Service]\nSystemCallFilter=raed",
       "x.service:2: read SystemCallFilter: no architecture has a system call \"raed\""},
      {"SystemCallFilter=@nothing",
       "x.service:1: read SystemCallFilter: unknown group \"@nothing\""},
      {"SystemCallFilter=~dup:EVERY", "x.service:1: read SystemCallFilter: \"EVERY\" is no errno"},
      {"SystemCallFilter=dup\nSystemCallErrorNumber=4096",
       "x.service:2: read SystemCallErrorNumber: \"4096\" is no errno"},
      {"SystemCallArchitectures=vax",
       "x.service:1: read SystemCallArchitectures: unknown "
       "architecture \"vax\""},
  };
  for (const auto& row : rows) EXPECT_THAT(RulesOf(row.unit), ElementsAre(std::string(row.want)));
}

}  // namespace
}  // namespace bailey::policy
