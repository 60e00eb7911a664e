#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "model/client.h"

namespace bailey::model {
namespace {

namespace fs = std::filesystem;

class KeyFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "bailey-key-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string Write(const std::string& text, fs::perms permissions) {
    const std::string path = (directory_ / "key").string();
    std::ofstream(path) << text;
    fs::permissions(path, permissions);
    return path;
  }

  fs::path directory_;
};

constexpr fs::perms kOwner = fs::perms::owner_read | fs::perms::owner_write;

TEST_F(KeyFile, IsItsFirstLine) {
  EXPECT_EQ(*ReadKeyFile(Write("  secret-key \nmore\n", kOwner)), "secret-key");
}

TEST_F(KeyFile, ThatOthersReadIsRefused) {
  const std::string path = Write("secret-key\n", kOwner | fs::perms::group_read);
  const auto key = ReadKeyFile(path);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().text,
            "read key \"" + path + "\": others than its owner may read it: chmod 600 it");
}

TEST_F(KeyFile, ErrorsNameTheFileAndNotTheKey) {
  const std::string path = Write("secret key\n", kOwner);
  EXPECT_EQ(ReadKeyFile(path).error().text,
            "read key \"" + path + "\": it has blanks or controls in it");
  Write("", kOwner);
  EXPECT_EQ(ReadKeyFile(path).error().text, "read key \"" + path + "\": it is empty");
  EXPECT_EQ(ReadKeyFile(directory_).error().text,
            "read key \"" + directory_.string() + "\": it is no file");
  fs::remove(path);
  EXPECT_EQ(ReadKeyFile(path).error().text, "read key \"" + path + "\": No such file or directory");
}

TEST(KeyVariable, IsRead) {
  setenv("BAILEY_TEST_KEY", " abc\n", 1);
  EXPECT_EQ(*ReadKeyVariable("BAILEY_TEST_KEY"), "abc");
  setenv("BAILEY_TEST_KEY", "", 1);
  EXPECT_EQ(ReadKeyVariable("BAILEY_TEST_KEY").error().text,
            "read key $BAILEY_TEST_KEY: it is empty");
  unsetenv("BAILEY_TEST_KEY");
  EXPECT_EQ(ReadKeyVariable("BAILEY_TEST_KEY").error().text,
            "read key $BAILEY_TEST_KEY: it is not set");
}

}  // namespace
}  // namespace bailey::model
