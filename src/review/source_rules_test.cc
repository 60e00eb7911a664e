// Every rule over samples of its own, tests/court/rules/<rule>/: what it finds in positive*, at the
// lines marked "found", that it finds nothing in negative*, and what it asks in question*.
#include "review/source_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace bailey::review
