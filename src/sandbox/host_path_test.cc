#include "sandbox/host_path.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace bailey::sandbox {
namespace {

namespace fs = std::filesystem;

class HostPathTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bailey-host-path-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    top_ = fs::canonical(name).string();
  }
  void TearDown() override { fs::remove_all(top_); }

  std::string top_;
};

TEST_F(HostPathTest, RemembersEverySymlinkOnTheWay) {
  fs::create_directories(top_ + "/usr/bin");
  fs::create_symlink("usr/bin", top_ + "/bin");
  fs::create_symlink(top_ + "/bin", top_ + "/absolute");
  const auto path = HostPaths().Resolve(top_ + "/absolute/../bin/.");
  ASSERT_TRUE(path) << path.error().text;
  EXPECT_EQ(path->real, top_ + "/usr/bin");
  EXPECT_EQ(path->links, (std::map<std::string, std::string>{{top_ + "/absolute", top_ + "/bin"},
                                                             {top_ + "/bin", "usr/bin"}}));
}

TEST_F(HostPathTest, NamesThePathThatItCannotShow) {
  const auto missing = HostPaths().Resolve(top_ + "/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().text, "show " + top_ + "/none: No such file or directory");
  fs::create_symlink("loop", top_ + "/loop");
  const auto loop = HostPaths().Resolve(top_ + "/loop");
  ASSERT_FALSE(loop);
  EXPECT_EQ(loop.error().text, "show " + top_ + "/loop: Too many levels of symbolic links");
}

TEST(IsWithin, ComparesWholeComponents) {
  EXPECT_TRUE(IsWithin("/a/b", "/a"));
  EXPECT_TRUE(IsWithin("/a", "/a"));
  EXPECT_TRUE(IsWithin("/a", "/"));
  EXPECT_FALSE(IsWithin("/ab", "/a"));
  EXPECT_FALSE(IsWithin("/", "/a"));
}

}  // namespace
}  // namespace bailey::sandbox
