#include "pool/freshness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "os/file.h"

namespace bailey::pool {
namespace {

namespace fs = std::filesystem;

// A tree, and a plan of it: what it says is there, and not.
class FreshnessTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "bailey-freshness-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = fs::canonical(name);
    fs::create_directories(top_ / "a/real");
    fs::create_directory_symlink("real", top_ / "a/link");
    Touch("a/real/file");
  }
  void TearDown() override { fs::remove_all(top_); }

  void Touch(const std::string& name) { std::ofstream(top_ / name) << "x"; }
  bool IsThere(const std::string& name) const {
    return os::Stat(AT_FDCWD, (top_ / name).c_str(), true).has_value();
  }
  Freshness Of(std::string name) {
    return Freshness([this, name]() -> base::Result<bool> {
      ++checks_;
      return IsThere(name) == was_there_;
    });
  }

  fs::path top_;
  bool was_there_ = true;
  int checks_ = 0;
};

TEST_F(FreshnessTest, WhileNothingChangesNothingIsCheckedAgain) {
  Freshness tree = Of("a/link/file");
  tree.Watch();
  ASSERT_TRUE(tree.IsWatched());
  const int before = checks_;
  EXPECT_TRUE(*tree.IsCurrent());
  Touch("a/real/file");  // its text is none of a plan's business
  EXPECT_TRUE(*tree.IsCurrent());
  EXPECT_EQ(checks_, before);
}

TEST_F(FreshnessTest, EveryChangeOnTheWayIsCheckedAgain) {
  const std::vector<std::function<void()>> changes = {
      [&] { fs::remove(top_ / "a/real/file"); },
      [&] { fs::rename(top_ / "a/real/file", top_ / "a/real/other"); },
      [&] { fs::remove(top_ / "a/link"); },
      [&] { fs::rename(top_ / "a/real", top_ / "a/unreal"); },
      [&] { fs::rename(top_ / "a", top_ / "b"); },
      [&] { fs::remove_all(top_ / "a"); },
  };
  for (const auto& change : changes) {
    Freshness tree = Of("a/link/file");
    tree.Watch();
    ASSERT_TRUE(tree.IsWatched());
    change();
    EXPECT_FALSE(tree.IsWatched());
    EXPECT_FALSE(*tree.IsCurrent());
    tree.Watch();
    EXPECT_FALSE(tree.IsWatched()) << "what is not current is not watched";
    fs::remove_all(top_);
    fs::create_directories(top_ / "a/real");
    fs::create_directory_symlink("real", top_ / "a/link");
    Touch("a/real/file");
  }
}

TEST_F(FreshnessTest, WhatWasNotThereIsWatchedForToo) {
  was_there_ = false;
  for (const char* const name : {"a/real/none", "a/none/below/file", "a/real/file/none"}) {
    Freshness tree = Of(name);
    tree.Watch();
    ASSERT_TRUE(tree.IsWatched()) << name;
  }
  Freshness tree = Of("a/none/below/file");
  tree.Watch();
  fs::create_directories(top_ / "a/none/below");
  EXPECT_FALSE(tree.IsWatched());
  EXPECT_TRUE(*tree.IsCurrent()) << "a change that changes nothing";
  tree.Watch();
  ASSERT_TRUE(tree.IsWatched());
  Touch("a/none/below/file");
  EXPECT_FALSE(*tree.IsCurrent());
}

TEST_F(FreshnessTest, AChangedModeIsAChange) {
  Freshness tree = Of("a/real/file");
  tree.Watch();
  fs::permissions(top_ / "a/real", fs::perms::owner_all);
  EXPECT_FALSE(tree.IsWatched());
  const int before = checks_;
  EXPECT_TRUE(*tree.IsCurrent());
  EXPECT_EQ(checks_, before + 1);
}

TEST_F(FreshnessTest, WhatAPlanListsIsWatched) {
  Freshness tree([&]() -> base::Result<bool> {
    const auto directory = os::Open(AT_FDCWD, (top_ / "a/real").c_str(), 0);
    return os::Names(directory->Get())->size() == 1;
  });
  tree.Watch();
  ASSERT_TRUE(tree.IsWatched());
  Touch("a/real/second");
  EXPECT_FALSE(*tree.IsCurrent());
}

TEST_F(FreshnessTest, WhatCannotBeWatchedIsCheckedEachTime) {
  Freshness tree([&]() -> base::Result<bool> {
    ++checks_;
    return os::Stat(AT_FDCWD, "/proc/sys/kernel/ostype", true).has_value();
  });
  tree.Watch();
  EXPECT_FALSE(tree.IsWatched());
  EXPECT_LT(tree.Descriptor(), 0);
  const int before = checks_;
  EXPECT_TRUE(*tree.IsCurrent());
  EXPECT_TRUE(*tree.IsCurrent());
  EXPECT_EQ(checks_, before + 2);
}

}  // namespace
}  // namespace bailey::pool
