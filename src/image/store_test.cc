#include "image/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace bailey::image {
namespace {

constexpr char kExpected[] =
    "expected lower-case letters, digits and dashes, at most 63, and no dash first";

bool IsName(const std::string& text) { return CheckName("id", text).has_value(); }

TEST(Name, OfEveryByteOnlyLettersDigitsAndDashesAreOne) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    EXPECT_EQ(IsName(std::string(1, c)), letter) << byte;
    EXPECT_EQ(IsName(std::string("a") + c), letter || c == '-') << byte;
    EXPECT_EQ(IsName(std::string("a") + c + "b"), letter || c == '-') << byte;
  }
}

TEST(Name, NoneLeadsElsewhere) {
  using namespace std::string_literals;
  for (const std::string& text :
       {""s, "."s, ".."s, "a/b"s, "../../etc/x"s, "/etc"s, "a\0b"s, "\0"s, "ä"s, "a\xe2\x80\xae"s,
        "-a"s, "A"s, "a b"s, "a\n"s, "a."s, std::string(64, 'a'), std::string(10'000, 'a')})
    EXPECT_FALSE(IsName(text)) << text.substr(0, 20);
  EXPECT_TRUE(IsName(std::string(63, 'a')));
}

TEST(Name, TheErrorIsOneLineHoweverLongTheNameIs) {
  const auto refused = CheckName("id", "../../etc/x");
  EXPECT_EQ(refused.error().text, std::string("use id \"../../etc/x\": ") + kExpected);
  const auto cut = CheckName("id", std::string(10'000, '\n'));
  EXPECT_EQ(cut.error().text.find('\n'), std::string::npos);
  EXPECT_LT(cut.error().text.size(), 400u);
}

class Store : public ::testing::Test {
 protected:
  Store() {
    char name[] = "/tmp/bailey-store-XXXXXX";
    directory_ = ::mkdtemp(name);
    ::setenv("XDG_DATA_HOME", directory_.c_str(), 1);
  }
  ~Store() override {
    ::unsetenv("XDG_DATA_HOME");
    std::filesystem::remove_all(directory_);
  }
  std::string Place() const { return directory_ + "/bailey/images"; }
  static void Put(const std::string& name, const std::string& bytes) {
    auto image = NewImage::Begin(name);
    ASSERT_TRUE(image.has_value());
    std::ofstream(image->Path()) << bytes;
    const auto made = image->Finish();
    ASSERT_TRUE(made.has_value()) << made.error().text;
  }
  std::string directory_;
};

TEST_F(Store, WhatWasPutInIsFoundUnderItsHash) {
  Put("base", "abc");
  const auto image = OpenImage("base");
  ASSERT_TRUE(image.has_value());
  EXPECT_EQ(image->hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(image->bytes, 3u);
  struct stat found;
  ASSERT_EQ(::stat(Place().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
}

TEST_F(Store, AnImageThatWasChangedIsNotUsed) {
  Put("base", "abc");
  std::ofstream(Place() + "/base/root.squashfs", std::ios::app) << "d";
  const auto image = OpenImage("base");
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().code, base::ErrorCode::kViolation);
}

TEST_F(Store, OneReplacesAnotherAndIsRemoved) {
  Put("base", "abc");
  Put("base", "abcd");
  Put("other", "x");
  const auto images = ListImages();
  ASSERT_TRUE(images.has_value());
  ASSERT_EQ(images->size(), 2u);
  EXPECT_EQ((*images)[0].bytes, 4u);
  EXPECT_TRUE(RemoveImage("base").has_value());
  EXPECT_EQ(OpenImage("base").error().text,
            "open image base: there is none of this name (see `bailey vm image`)");
  EXPECT_FALSE(RemoveImage("base").has_value());
}

TEST_F(Store, WhatIsNotFinishedLeavesNothing) {
  {
    auto image = NewImage::Begin("base");
    ASSERT_TRUE(image.has_value());
    std::ofstream(image->Path()) << "half";
  }
  EXPECT_TRUE(std::filesystem::is_empty(Place()));
  EXPECT_TRUE(ListImages()->empty());
}

TEST_F(Store, WhatAKilledBuilderHasLeftGoesWithTheNextImage) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto image = NewImage::Begin("killed");
    if (image) std::ofstream(image->Path()) << "half";
    ::_exit(0);  // without unmaking anything
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const auto drafts = [this] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(Place()))
      count += entry.path().filename().string().starts_with(".new-") ? 1 : 0;
    return count;
  };
  EXPECT_EQ(drafts(), 1u);
  auto still = NewImage::Begin("still");
  ASSERT_TRUE(still.has_value());
  EXPECT_EQ(drafts(), 1u);
  // That one is somebody's.
  Put("other", "abc");
  EXPECT_EQ(drafts(), 1u);
  std::ofstream(still->Path()) << "whole";
  EXPECT_TRUE(still->Finish());
  EXPECT_EQ(drafts(), 0u);
  EXPECT_EQ(ListImages()->size(), 2u);
}

TEST_F(Store, AStoreThatOthersCanLookIntoIsRefused) {
  Put("base", "abc");
  ::chmod(Place().c_str(), 0755);
  const auto image = OpenImage("base");
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().text,
            "use " + Place() + ": it is somebody else's, or others may look into it");
}

}  // namespace
}  // namespace bailey::image
