#include "audit/store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace bailey::audit {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (fs::temp_directory_path() / "audit-store-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~StoreTest() override { fs::remove_all(directory_); }

  std::string directory_;
};

Event Denied() {
  Event event = {.sequence = 1, .decision = Decision::kDenied};
  event.detail = Call{.name = "mount"};
  return event;
}

TEST_F(StoreTest, HasAFileForEachSandboxThatSaysSomething) {
  const std::string store = directory_ + "/state/bailey/audit";
  {
    const auto silent = MakeStoreSink(store, "silent", {});
    const auto one = MakeStoreSink(store, "one", {});
    one->Write(Denied());
    EXPECT_EQ(one->Lost(), 0u) << one->LastFault();
  }
  const auto files = SpooledIn(store);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].path, store + "/spool/one.jsonl");
  EXPECT_EQ(fs::status(store + "/spool").permissions(), fs::perms::owner_all);
}

TEST_F(StoreTest, StaysBelowItsBounds) {
  const std::size_t line = ToJson(Denied()).size() + 1;
  const SpoolLimits limits = {.bytes_of_one = 2 * line, .bytes = 20 * line, .files = 6};
  for (int i = 0; i < 40; ++i) {
    const auto sink = MakeStoreSink(directory_, "sandbox" + std::to_string(i), limits);
    for (int k = 0; k < 9; ++k) sink->Write(Denied());
    EXPECT_EQ(sink->Lost(), 0u) << sink->LastFault();
    std::uint64_t bytes = 0;
    const auto files = SpooledIn(directory_);
    for (const Spooled& one : files) bytes += one.size;
    EXPECT_LE(bytes, limits.bytes);
    EXPECT_LE(files.size(), limits.files + 1);
  }
}

TEST_F(StoreTest, IsNotMadeWhereOthersWrite) {
  fs::create_directories(directory_ + "/spool");
  fs::permissions(directory_ + "/spool", fs::perms::all);
  const auto sink = MakeStoreSink(directory_, "one", {});
  sink->Write(Denied());
  EXPECT_EQ(sink->Lost(), 1u);
  EXPECT_EQ(sink->LastFault(), "use directory " + directory_ +
                                   "/spool: it is a link, somebody else's, or others may write it");
}

TEST(StoreDirectory, IsWhereTheOwnerKeepsState) {
  const struct {
    StoreOwner owner;
    const char* want;
  } kCases[] = {
      {{false, "/home/me", ""}, "/home/me/.local/state/bailey/audit"},
      {{false, "/home/me", "/state"}, "/state/bailey/audit"},
      {{false, "/home/me", "state"}, "/home/me/.local/state/bailey/audit"},
      {{true, "/root", ""}, "/var/lib/bailey/audit"},
      {{true, "/root", "/state"}, "/state/bailey/audit"},
  };
  for (const auto& one : kCases) {
    const auto found = StoreDirectory(one.owner);
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, one.want);
  }
  EXPECT_FALSE(StoreDirectory({}));
}

}  // namespace
}  // namespace bailey::audit
