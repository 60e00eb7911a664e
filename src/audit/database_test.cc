#include "audit/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "audit/store.h"

namespace bailey::audit {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    std::string name = (fs::temp_directory_path() / "audit-db-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    fs::create_directory(directory_ + "/spool");
  }
  ~DatabaseTest() override { fs::remove_all(directory_); }

  Database Open(const DatabaseLimits& limits = {}) const {
    auto database = Database::Open(directory_ + "/events.db", limits);
    EXPECT_TRUE(database) << database.error().text;
    return *std::move(database);
  }

  void Spool(const std::string& sandbox, const std::vector<Detail>& details,
             std::chrono::seconds at = 0s) {
    std::ofstream file(SpoolPath(sandbox), std::ios::app);
    std::uint64_t& sequence = sequences_[sandbox];
    for (const Detail& detail : details) {
      Event event = {
          .sequence = ++sequence,
          .time = decltype(Event::time)(at),
          .sandbox = sandbox,
          .decision = std::holds_alternative<Call>(detail) || std::holds_alternative<Total>(detail)
                          ? Decision::kDenied
                          : Decision::kSeen,
          .task = Task{1, 1, "/bin/" + sandbox},
          .detail = detail};
      file << ToJson(event) << '\n';
    }
  }
  std::string SpoolPath(const std::string& sandbox) const {
    return directory_ + "/spool/" + sandbox + ".jsonl";
  }
  // As if it had not been written for so long.
  void Age(const std::string& sandbox, std::chrono::seconds age) const {
    fs::last_write_time(SpoolPath(sandbox), fs::file_time_type::clock::now() - age);
  }

  std::string directory_;
  std::map<std::string, std::uint64_t> sequences_;
};

const Detail kMount = Call{.arch = "x86_64", .name = "mount", .number = 165, .answer = "EPERM"};
const Detail kBpf = Call{.arch = "x86_64", .name = "bpf", .number = 321, .answer = "EPERM"};

TEST_F(DatabaseTest, TakesInWhatSandboxesLeft) {
  Spool("a", {Launch{"agent", {"x"}}, kMount, kMount});
  Spool("b", {kBpf}, 100s);
  Database database = Open();
  EXPECT_EQ(*database.TakeIn(directory_), 4u);
  // The second time there is nothing new; and both may still be running.
  EXPECT_EQ(*database.TakeIn(directory_), 0u);
  EXPECT_TRUE(fs::exists(SpoolPath("a")));
  Spool("a", {Total{"x86_64", "mount", "mount()", "EPERM", 70}, Exit{"exited", 0}});
  EXPECT_EQ(*database.TakeIn(directory_), 2u);
  Age("a", 1h);
  Age("b", 1h);
  EXPECT_EQ(*database.TakeIn(directory_), 0u);
  EXPECT_FALSE(fs::exists(SpoolPath("a")));
  EXPECT_TRUE(fs::exists(SpoolPath("b")));
  Age("b", 48h);
  EXPECT_EQ(*database.TakeIn(directory_), 0u);
  EXPECT_FALSE(fs::exists(SpoolPath("b")));
  EXPECT_EQ(database.Find({})->size(), 6u);
}

TEST_F(DatabaseTest, FindsByWhatIsAsked) {
  Spool("a", {Launch{"agent", {"x"}}, kMount});
  Spool("b", {kMount, kBpf}, 100s);
  Database database = Open();
  ASSERT_TRUE(database.TakeIn(directory_));
  const auto count = [&](const Query& query) { return database.Find(query)->size(); };
  EXPECT_EQ(count({}), 4u);
  EXPECT_EQ(count({.sandbox = "b"}), 2u);
  EXPECT_EQ(count({.call = "mount"}), 2u);
  EXPECT_EQ(count({.sandbox = "b", .call = "mount"}), 1u);
  EXPECT_EQ(count({.denied = true}), 3u);
  EXPECT_EQ(count({.since = decltype(Event::time)(50s)}), 2u);
  EXPECT_EQ(count({.sandbox = "'; DROP TABLE events; --"}), 0u);
  const auto latest = database.Find({.most = 1});
  ASSERT_EQ(latest->size(), 1u);
  EXPECT_EQ(std::get<Call>(latest->front().detail).name, "bpf");
}

// Where a sandbox has said how often a call was denied, that counts, and not the events that came
// through.
TEST_F(DatabaseTest, SummarizesExactly) {
  Spool("a",
        {kMount, kMount, Total{"x86_64", "mount", "mount()", "EPERM", 1000}, Exit{"exited", 0}});
  Spool("b", {kBpf, kBpf, kBpf});
  Database database = Open();
  ASSERT_TRUE(database.TakeIn(directory_));
  const auto rows = database.Summarize({});
  ASSERT_TRUE(rows) << rows.error().text;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].what, "mount()");
  EXPECT_EQ((*rows)[0].count, 1000u);
  EXPECT_EQ((*rows)[1].what, "bpf");
  EXPECT_EQ((*rows)[1].count, 3u);
  const auto top = database.TopSandboxes({});
  ASSERT_EQ(top->size(), 2u);
  EXPECT_EQ(top->front().who, "a");
  EXPECT_EQ(top->front().denied, 1000u);
  EXPECT_EQ(database.TopExecutables({})->front().who, "/bin/a");
}

TEST_F(DatabaseTest, HasMetrics) {
  Spool("a", {Launch{"agent", {"x"}}, kMount, Total{"x86_64", "mount", "mount()", "EPERM", 9},
              Exit{"exited", 0, 2500, ""}, Dropped{4, "rate"}});
  Spool("b", {Launch{"agent", {"x"}}, kBpf});
  Spool("c", {Launch{"agent", {"x"}},
              Exit{"not-started", 125, 0, "build root: bind /x: No such file or directory"}});
  Database database = Open();
  ASSERT_TRUE(database.TakeIn(directory_));
  const auto text = database.Metrics();
  ASSERT_TRUE(text) << text.error().text;
  for (const char* const line :
       {"bailey_sandboxes_started_total 2\n",
        "bailey_sandboxes_ended_total{outcome=\"exited\"} 1\n",
        "bailey_start_failures_total{step=\"build root\"} 1\n",
        "bailey_start_up_seconds_bucket{le=\"0.002\"} 0\n",
        "bailey_start_up_seconds_bucket{le=\"0.003\"} 1\n", "bailey_start_up_seconds_count 1\n",
        "bailey_denied_calls_total{call=\"bpf\"} 1\n",
        "bailey_denied_calls_total{call=\"mount\"} 9\n",
        "bailey_events_dropped_total{where=\"rate\"} 4\n"})
    EXPECT_THAT(*text, testing::HasSubstr(line));
}

TEST_F(DatabaseTest, StaysBelowItsBound) {
  Database database = Open({.events = 10});
  for (int i = 0; i < 30; ++i) {
    Spool("s" + std::to_string(i), {kMount, kBpf});
    ASSERT_TRUE(database.TakeIn(directory_));
  }
  EXPECT_EQ(database.Find({})->size(), 10u);
}

TEST_F(DatabaseTest, PassesOverWhatIsNoEvent) {
  Spool("a", {kMount});
  std::ofstream(SpoolPath("a"), std::ios::app) << "{\"half\": \n\xff\xfe\n";
  Database database = Open();
  std::uint64_t faulty = 0;
  EXPECT_EQ(*database.TakeIn(directory_, &faulty), 1u);
  EXPECT_EQ(faulty, 2u);
}

TEST_F(DatabaseTest, IsNotOpenedWhereAnotherFileIs) {
  std::ofstream(directory_ + "/events.db") << "this is a text of more than a few bytes";
  const auto database = Database::Open(directory_ + "/events.db");
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().text, "use the audit store: file is not a database");
}

}  // namespace
}  // namespace bailey::audit
