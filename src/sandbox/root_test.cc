#include "sandbox/root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "sandbox/access.h"

namespace bailey::sandbox {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::Not;

class RootTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bailey-root-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    top_ = fs::canonical(name).string();
    fs::create_directories(top_ + "/yard/sub");
    fs::create_directories(top_ + "/other");
    std::ofstream(top_ + "/yard/secret");
    fs::create_directory_symlink("yard", top_ + "/link");
  }
  void TearDown() override { fs::remove_all(top_); }

  // The lines of the plan that say something about the test's own directory.
  std::vector<std::string> Lines(const policy::Filesystem& filesystem, bool privileged = false) {
    const auto plan = PlanRoot(filesystem, {.privileged = privileged});
    if (!plan) return {plan.error().text};
    std::vector<std::string> lines;
    for (const Step& step : plan->steps) {
      std::string line = ToString(step);
      const std::size_t at = line.find(top_);
      if (at == std::string::npos) continue;
      for (std::size_t i = at; i != std::string::npos; i = line.find(top_))
        line.replace(i, top_.size(), "T");
      lines.push_back(line);
    }
    return lines;
  }

  std::string top_;
};

using List = std::vector<std::string>;

TEST_F(RootTest, BindsWhereAPathReallyIsAndRemakesTheLink) {
  EXPECT_EQ(Lines({.read = {top_ + "/link"}}), (List{"directory T", "symlink T/link -> yard",
                                                     "directory T/yard", "bind T/yard read-only"}));
}

TEST_F(RootTest, WritingInsideReadingIsASecondMount) {
  EXPECT_EQ(Lines({.read = {top_ + "/yard"}, .write = {top_ + "/yard/sub"}}),
            (List{"directory T", "directory T/yard", "bind T/yard read-only",
                  "bind T/yard/sub writable"}));
}

TEST_F(RootTest, ReadingInsideReadingNeedsNoSecondMount) {
  EXPECT_EQ(Lines({.read = {top_ + "/yard", top_ + "/yard/sub"}}),
            (List{"directory T", "directory T/yard", "bind T/yard read-only"}));
}

TEST_F(RootTest, ReadingInsideWritingIsClosedAgain) {
  EXPECT_EQ(Lines({.read = {top_ + "/yard/sub"}, .write = {top_ + "/yard"}}),
            (List{"directory T", "directory T/yard", "bind T/yard writable",
                  "bind T/yard/sub read-only"}));
}

TEST_F(RootTest, MasksOnlyWhatABindShows) {
  EXPECT_EQ(Lines({.read = {top_ + "/yard"}, .hide = {top_ + "/yard/secret", top_ + "/other"}}),
            (List{"directory T", "directory T/yard", "bind T/yard read-only",
                  "mask file T/yard/secret"}));
}

TEST_F(RootTest, MasksAFileOfTheHostWhereverABindShowsIt) {
  EXPECT_EQ(
      Lines({.read = {top_ + "/yard"},
             .hide = {top_ + "/yard/secret", "/data/sub"},
             .binds = {{top_ + "/yard", "/data", true}}}),
      (List{"bind T/yard at /data writable", "directory T", "directory T/yard",
            "bind T/yard read-only", "mask file T/yard/secret", "mask directory T/yard/sub"}));
}

TEST_F(RootTest, APatternThatMatchesASymlinkMasksWhatItLeadsTo) {
  fs::create_symlink("secret", top_ + "/yard/.env");
  EXPECT_EQ(Lines({.read = {top_ + "/yard"}, .hide = {top_ + "/**/.env"}}),
            (List{"directory T", "directory T/yard", "bind T/yard read-only",
                  "mask file T/yard/secret"}));
}

TEST_F(RootTest, AHiddenNameThatDoesNotExistIsHeldWhereItCouldBeMade) {
  const auto held = [&](const policy::Filesystem& filesystem) {
    const auto plan = PlanRoot(filesystem, {});
    List lines;
    for (const Stub& stub : plan ? plan->stubs : std::vector<Stub>())
      lines.push_back((stub.directory ? "directory T" : "file T") + stub.path.substr(top_.size()));
    return lines;
  };
  const policy::Filesystem deep = {.write = {top_ + "/yard"},
                                   .hide = {top_ + "/yard/sub/a/b", top_ + "/yard/absent"}};
  EXPECT_EQ(Lines(deep),
            (List{"directory T", "directory T/yard", "bind T/yard writable", "pin T/yard/sub",
                  "pin T/yard/sub/a", "mask file T/yard/absent", "mask file T/yard/sub/a/b"}));
  EXPECT_EQ(held(deep), (List{"file T/yard/absent", "directory T/yard/sub",
                              "directory T/yard/sub/a", "file T/yard/sub/a/b"}));
  EXPECT_EQ(held({.read = {top_ + "/yard"}, .hide = {top_ + "/yard/absent"}}), List());
  EXPECT_EQ(held({.write = {top_ + "/yard"}, .hide = {top_ + "/other/absent"}}), List());
}

TEST_F(RootTest, AHiddenLinkThatLeadsToNothingIsHeldWhereItLeads) {
  fs::create_symlink("sub/later", top_ + "/yard/link");
  const auto plan = PlanRoot({.write = {top_ + "/yard"}, .hide = {top_ + "/link/link"}}, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->stubs,
            (std::vector<Stub>{{top_ + "/yard/sub", true}, {top_ + "/yard/sub/later", false}}));
}

TEST_F(RootTest, WhatIsInAHiddenDirectoryIsHiddenWithIt) {
  EXPECT_EQ(
      Lines({.write = {top_ + "/yard"}, .hide = {top_ + "/yard/sub", top_ + "/yard/sub/absent"}}),
      (List{"directory T", "directory T/yard", "bind T/yard writable",
            "mask directory T/yard/sub"}));
}

TEST_F(RootTest, MissingPathsAreErrorsUnlessOptional) {
  EXPECT_EQ(Lines({.read = {top_ + "/none"}}),
            List{"show " + top_ + "/none: No such file or directory"});
  EXPECT_EQ(Lines({.read = {top_ + "/none"}, .optional = {top_ + "/none"}}), List{});
}

TEST_F(RootTest, DevicesAreShownByNameOnly) {
  EXPECT_EQ(Lines({.read = {"/dev/null"}}),
            List{"show /dev/null: it is a device, which only `devices` can name"});
}

TEST_F(RootTest, APrivilegedCallerMapsTheOwnerOfWhatIsGranted) {
  ASSERT_EQ(::chmod((top_ + "/other").c_str(), 0700), 0);
  const std::string owner = std::to_string(fs::exists(top_) ? ::getuid() : 0);
  EXPECT_EQ(Lines({.read = {top_ + "/other"}, .write = {top_ + "/yard"}}, true),
            (List{"directory T", "directory T/other", "bind T/other read-only owner=" + owner,
                  "directory T/yard", "bind T/yard writable owner=" + owner}));
}

TEST_F(RootTest, LandlockGrantsTheSameAsTheMounts) {
  const auto plan = PlanRoot({.read = {top_ + "/yard"}, .write = {top_ + "/other"}}, {});
  ASSERT_TRUE(plan);
  const LandlockPlan landlock = PlanLandlock(*plan, 7);
  constexpr std::uint64_t kExecuteAndRead = 0xd;
  EXPECT_THAT(landlock.rules, Contains(PathRule{top_ + "/yard", -1, kExecuteAndRead}));
  // Everything but device nodes and device ioctls.
  EXPECT_THAT(landlock.rules, Contains(PathRule{top_ + "/other", -1, 0x77bf}));
  EXPECT_EQ(landlock.scopes, 3u);
  EXPECT_EQ(PlanLandlock(*plan, 5).scopes, 0u);
}

}  // namespace
}  // namespace bailey::sandbox
