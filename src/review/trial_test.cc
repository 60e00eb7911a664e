#include "review/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "review/read.h"
#include "review/report.h"

namespace bailey::review {
namespace {

using testing::HasSubstr;

Subject Policy(const std::string& syscalls, const std::string& rest = "") {
  const std::string text = "bailey = 1\nname = \"p\"\nextends = [\"untrusted\"]\n" + rest +
                           "\n[syscalls]\n" + syscalls + "\n";
  auto subject = ReadPolicyText(
      text, "p.toml",
      {.home = "/home/u", .current_directory = "/work", .native = abi::Arch::kX86_64}, {});
  EXPECT_TRUE(subject) << base::ToString(subject.error());
  return *std::move(subject);
}

struct Found {
  const Finding* finding = nullptr;
  const Answer* answer = nullptr;
  const Ruling* ruling = nullptr;
};
Found Find(const Trial& trial, std::string_view rule) {
  for (std::size_t i = 0; i < trial.findings.size(); ++i) {
    if (trial.findings[i].rule == rule)
      return {&trial.findings[i], &trial.answers[i], &trial.rulings[i]};
  }
  return {};
}

struct Row {
  const char* sentence;
  const char* syscalls;
  const char* rule;
  const char* decision;
  Severity severity;
  const char* fix;
};

TEST(Trial, FindsWhatAPolicyOpens) {
  const Row rows[] = {
      {"a call", "allow = [\"keyctl\"]", "filter/no-keyring", "valid", Severity::kMedium,
       "[syscalls]\ndeny = [\"keyctl\"]"},
      {"a call under a condition", "allow = [{ syscall = \"ioctl\", when = \"cmd == TIOCLINUX\" }]",
       "filter/no-tty-linux", "partially valid", Severity::kLow,
       "[syscalls]\ndeny = [{ syscall = \"ioctl\", when = \"cmd == TIOCLINUX\" }]"},
      {"a privilege that is not given", "allow = [\"kexec_load\"]", "filter/no-kexec", "valid",
       Severity::kMedium, "[syscalls]\ndeny = [\"kexec_load\"]"},
      {"numbers", "unknown = \"allow\"", "filter/unknown-closed", "valid", Severity::kMedium,
       "[syscalls]\nunknown = \"ENOSYS\""},
      {"a success that never happens", "deny = [{ syscall = \"setuid\", errno = 0 }]",
       "filter/no-fake-success", "valid", Severity::kHigh, ""},
      {"an errno that stops libc", "deny = [{ syscall = \"clone3\", errno = \"EPERM\" }]",
       "filter/fallback-enosys", "valid", Severity::kLow,
       "[syscalls]\ndeny = [{ syscall = \"clone3\", errno = \"ENOSYS\" }]"},
  };
  for (const Row& row : rows) {
    const std::string syscalls = row.syscalls;
    const Trial trial = Try(Policy(syscalls), {});
    const Found found = Find(trial, row.rule);
    ASSERT_NE(found.finding, nullptr) << row.sentence;
    EXPECT_EQ(Name(found.ruling->decision), row.decision) << row.sentence;
    EXPECT_EQ(Name(found.ruling->severity), Name(row.severity)) << row.sentence;
    EXPECT_EQ(found.answer->fix, row.fix) << row.sentence;
  }
}

TEST(Trial, UntrustedIsAcquittedOfEverything) {
  const Trial trial = Try(Policy(""), {});
  EXPECT_FALSE(trial.rulings.empty());
  for (const Ruling& ruling : trial.rulings) {
    EXPECT_EQ(Name(ruling.decision), "invalid") << ruling.vulnerability;
    EXPECT_FALSE(ruling.evidence.empty()) << ruling.vulnerability;
  }
}

TEST(Trial, AChangeThatDeniesWhatWasRecordedSaysSo) {
  const Subject subject = Policy("allow = [\"keyctl\"]");
  const auto fix = [&](policy::Hot recorded) {
    const Trial trial = Try(subject, {.author = {.recorded = std::move(recorded)}});
    return Find(trial, "filter/no-keyring").answer->reason;
  };
  EXPECT_THAT(fix({{abi::Arch::kX86_64, {{"read", 3}}}}),
              HasSubstr("nothing that the profile recorded is newly denied"));
  EXPECT_THAT(fix({{abi::Arch::kX86_64, {{"keyctl", 3}}}}),
              HasSubstr("of what the profile recorded, newly denied: x86_64: keyctl"));
}

// The change to a filter without a policy is a policy on top of it.
TEST(Trial, AFilterIsClosedByOneOnTop) {
  Subject subject = Policy("allow = [\"keyctl\"]");
  subject.policy.reset();
  subject.confinement.reset();
  const Trial trial = Try(subject, {});
  const Found found = Find(trial, "filter/no-keyring");
  ASSERT_NE(found.finding, nullptr);
  EXPECT_THAT(found.answer->fix, HasSubstr("default = \"allow\"\nunknown = \"allow\"\n"));
  EXPECT_THAT(found.answer->fix, HasSubstr("deny = [\"keyctl\"]"));
  EXPECT_THAT(found.answer->reason, HasSubstr("newly denied: keyctl; nothing is newly allowed"));
}

TEST(Trial, AnEmptyStackIsOneFinding) {
  Subject subject = {.title = "process 1", .file = "process 1"};
  subject.filter.emplace().archs = {abi::Arch::kX86_64};
  const Trial trial = Try(subject, {});
  ASSERT_EQ(trial.rulings.size(), 1U);
  EXPECT_EQ(trial.findings[0].rule, "filter/none");
  EXPECT_EQ(WorstOf(trial), Severity::kHigh);
}

TEST(Trial, KeysAreGivenOnce) {
  Finding finding = {.rule = "x", .vulnerability = "same"};
  const Trial trial = Hear({.title = "t", .file = "f"}, {finding, finding, finding}, {});
  EXPECT_EQ(trial.rulings[0].vulnerability, "same");
  EXPECT_EQ(trial.rulings[1].vulnerability, "same (2)");
  EXPECT_EQ(trial.rulings[2].vulnerability, "same (3)");
}

// The author finds a witness that does not reproduce, whoever filed it.
TEST(Author, RefutesAWitnessThatDoesNotReproduce) {
  const Subject subject = Policy("");
  Finding finding = {.rule = "x", .vulnerability = "keyctl is open", .effect = Severity::kHigh};
  finding.evidence = {{EvidenceKind::kModelOpinion, "asking", "it says so"}};
  finding.witness = bpf::SeccompData{.nr = 250, .arch = abi::Info(abi::Arch::kX86_64).token};
  const Trial trial = Hear(subject, {finding}, {});
  EXPECT_EQ(Name(trial.answers[0].response), "refutation");
  EXPECT_EQ(trial.answers[0].evidence[0].result, "EPERM");
  EXPECT_EQ(Name(trial.rulings[0].decision), "invalid");
}

}  // namespace
}  // namespace bailey::review
