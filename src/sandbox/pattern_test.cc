#include "sandbox/pattern.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

namespace bailey::sandbox {
namespace {

namespace fs = std::filesystem;

class PatternTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bailey-pattern-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    top_ = fs::canonical(name).string();
  }
  void TearDown() override { fs::remove_all(top_); }

  std::string top_;
};

TEST(Matches, KeepsStarsWithinANameAndDoubleStarsAcrossThem) {
  struct Row {
    std::string_view pattern, path;
    bool want;
  };
  for (const Row& row : std::to_array<Row>({{"**/.env", ".env", true},
                                            {"**/.env", "a/b/.env", true},
                                            {"**/.env", "a/x.env", false},
                                            {"*.pem", "key.pem", true},
                                            {"*.pem", "a/key.pem", false},
                                            {"**/*.pem", "a/key.pem", true},
                                            {"/home/?/x", "/home/u/x", true},
                                            {"/home/?/x", "/home//x", false},
                                            {"a/**", "a/b/c", true},
                                            {"a", "ab", false}})) {
    EXPECT_EQ(Matches(row.pattern, row.path), row.want) << row.pattern << " " << row.path;
  }
}

TEST_F(PatternTest, FindsWhatAPatternMatchesAndStopsAtItsLimit) {
  fs::create_directories(top_ + "/a/b");
  std::ofstream(top_ + "/.env");
  std::ofstream(top_ + "/a/b/.env");
  fs::create_directory_symlink(top_, top_ + "/a/self");
  auto found = FindMatches(top_ + "/**/.env", {top_}, 100);
  ASSERT_TRUE(found);
  std::ranges::sort(*found);
  EXPECT_EQ(*found, (std::vector<std::string>{top_ + "/.env", top_ + "/a/b/.env"}));
  const auto limited = FindMatches(top_ + "/**/.env", {top_}, 2);
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().text,
            "hide " + top_ + "/**/.env: more than 2 files to look through below " + top_);
}

TEST_F(PatternTest, GoesNoDeeperThanAPatternWithoutDoubleStars) {
  fs::create_directories(top_ + "/keys/old");
  std::ofstream(top_ + "/keys/id_a");
  std::ofstream(top_ + "/keys/old/id_b");
  const auto found = FindMatches(top_ + "/keys/id_*", {top_ + "/keys"}, 2);
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(*found, (std::vector<std::string>{top_ + "/keys/id_a"}));
  EXPECT_EQ(*FindMatches(top_ + "/none/*", {top_ + "/none"}, 2), std::vector<std::string>());
}

TEST_F(PatternTest, TakesADirectoryThatMatchesAsAWhole) {
  fs::create_directories(top_ + "/a/.env/.env");
  EXPECT_EQ(*FindMatches(top_ + "/**/.env", {top_}, 100),
            (std::vector<std::string>{top_ + "/a/.env"}));
  EXPECT_EQ(*FindMatches(top_ + "/**", {top_}, 100), (std::vector<std::string>{top_ + "/a"}));
}

}  // namespace
}  // namespace bailey::sandbox
