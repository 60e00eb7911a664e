// Every rule over samples of its own, tests/court/rules/<rule>/: what it finds in positive*, at the
// lines marked "found", that it finds nothing in negative*, and what it asks in question*.
#include "review/source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "review/source_lex.h"
#include "review/source_rule.h"

namespace bailey::review {
namespace {

namespace fs = std::filesystem;

const fs::path kCourt = fs::path(BAILEY_SOURCE_DIR) / "tests/court";

std::string Read(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<Finding> Judge(const fs::path& path) {
  auto file = Lex(Read(path), path.filename().string());
  EXPECT_TRUE(file.has_value()) << path << (file ? "" : base::ToString(file.error()));
  return file ? JudgeSource(*file) : std::vector<Finding>{};
}

// "found" marks its line, "found above" the one before.
std::set<int> MarkedLines(const fs::path& path) {
  std::set<int> lines;
  std::istringstream text(Read(path));
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    if (line.find("found above") != std::string::npos) {
      lines.insert(number - 1);
    } else if (line.find("/* found */") != std::string::npos || line.ends_with(". found")) {
      lines.insert(number);
    }
  }
  return lines;
}

std::vector<fs::path> Samples(std::string_view rule) {
  std::vector<fs::path> samples;
  const auto name = rule.substr(rule.find('/') + 1);
  for (const auto& entry : fs::directory_iterator(kCourt / "rules" / name))
    samples.push_back(entry.path());
  std::sort(samples.begin(), samples.end());
  return samples;
}

TEST(SourceRules, SamplesAreDecidedRight) {
  for (const SourceRule& rule : SourceRules()) {
    int positive = 0, negative = 0;
    for (const fs::path& sample : Samples(rule.id)) {
      const std::string name = sample.filename();
      std::set<int> found, asked;
      for (const Finding& finding : Judge(sample)) {
        if (finding.rule != rule.id) continue;
        (finding.evidence.empty() ? asked : found).insert(finding.place.line);
        EXPECT_NE(finding.evidence.empty(), finding.against.empty()) << sample;
      }
      const std::set<int> marked = MarkedLines(sample);
      SCOPED_TRACE(sample.string());
      if (name.starts_with("positive")) {
        ++positive;
        EXPECT_FALSE(marked.empty());
        EXPECT_EQ(found, marked);
      } else if (name.starts_with("question")) {
        EXPECT_FALSE(marked.empty());
        EXPECT_EQ(asked, marked);
        EXPECT_TRUE(found.empty());
      } else {
        ASSERT_TRUE(name.starts_with("negative"));
        ++negative;
        EXPECT_EQ(found, std::set<int>());
        EXPECT_EQ(asked, std::set<int>());
      }
    }
    EXPECT_GE(positive, 2) << rule.id;
    EXPECT_GE(negative, 2) << rule.id;
  }
}

std::vector<std::string> Said(const std::vector<Finding>& findings) {
  std::vector<std::string> list;
  for (const Finding& finding : findings) {
    list.push_back(finding.rule + (finding.evidence.empty() ? "? " : " ") +
                   std::to_string(finding.place.line) + ": " + finding.vulnerability);
  }
  return list;
}

TEST(SourceRules, TheOrchestratorsFaultsAreFound) {
  EXPECT_THAT(
      Said(Judge(kCourt / "orchestrator/vulnerable.rs")),
      testing::ElementsAre(
          "source/filter-not-loaded 43: The filter filter is built in Orchestrator and never put "
          "in force",
          "source/id-in-path 71: vm_id goes into a path unchecked in directory",
          "source/predictable-file 57: A file in a directory that everybody writes to has a name "
          "that can be guessed, in write_configuration",
          "source/unbounded-log 26: denials grows without bound in record",
          "source/detached-chain 65: No hook and no jump leads to the firewall chain egress"));
}

TEST(SourceRules, NothingIsFoundInTheCorrectedOne) {
  EXPECT_THAT(Said(Judge(kCourt / "orchestrator/fixed.rs")), testing::IsEmpty());
}

TEST(SourceRules, TheFlagshipsSourceIsConvictedOfErrorsAndAcquittedOfTheRest) {
  const auto said = Said(Judge(kCourt / "flagship/filter.c"));
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr(
                        "source/exact-rule-dropped 33: The result of seccomp_rule_add_exact is not "
                        "looked at in export_filter")));
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr(
                        "source/rare-error-only 26: Only EFAULT of seccomp_rule_add's errors stops "
                        "export_filter, the others are dropped")));
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr(
                        "source/predictable-file? 41: The filter of export_filter goes through a "
                        "temporary file")));
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr(
                        "source/comment? 11: add_key, keyctl, request_key passes the filter, a "
                        "comment says")));
}

TEST(SourceRules, OneFindingInFull) {
  const auto file =
      Lex("int Enter(const char* root, char** argv) {\n"
          "  if (chroot(root) != 0) return -1;\n"
          "  return execv(argv[0], argv);\n"
          "}\n",
          "enter.c");
  ASSERT_TRUE(file.has_value());
  const auto findings = JudgeSource(*file);
  ASSERT_EQ(findings.size(), 1u);
  Finding want;
  want.rule = "source/chroot-without-chdir";
  want.vulnerability = "chroot without chdir in Enter";
  want.reason =
      "chroot does not move the working directory: it stays outside, and \"..\" leads on from "
      "there.";
  want.impact = "What runs after it opens every file of the host by a relative path.";
  want.fix = "if (chdir(root) != 0 || chroot(\".\") != 0 || chdir(\"/\") != 0) return -1;";
  want.effect = Severity::kHigh;
  want.place = {.file = "enter.c", .line = 2, .column = 7, .pc = {}};
  want.flow = {{want.place, "chroot(root)"}};
  want.evidence = {{EvidenceKind::kSourceRule, "source/chroot-without-chdir over enter.c",
                    "line 2: chroot(root), and no chdir or fchdir behind it in Enter"}};
  EXPECT_EQ(findings.front(), want);
}

TEST(SourceRules, LongSourceTakesLinearTime) {
  // What would be quadratic: one function with many calls, one name everywhere, deep brackets.
  std::string calls = "void f(const char* vm_id) { int r;\n", deep = "int g() { return ";
  for (int i = 0; i < 2000; ++i) calls += "r = setuid(vm_id[i]); strcat(path, vm_id);\n";
  calls += "}\n";
  deep += std::string(2000, '(') + "1" + std::string(2000, ')') + "; }\n";
  for (const std::string& text : {calls, deep}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto file = Lex(text, "long.c");
    ASSERT_TRUE(file.has_value());
    JudgeSource(*file);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  }
}

}  // namespace
}  // namespace bailey::review
