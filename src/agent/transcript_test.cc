#include "agent/transcript.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace bailey::agent {
namespace {

const std::vector<Entry> kEntries = {
    Started{"make the tests pass", "qwen", "rules", {"run", "read"}},
    Turn{.text = "I look.\n\"quoted\"",
         .calls = {{"a", "run", R"({"argv":["make"]})"}, {"b", "read", "{}"}},
         .tokens_in = 10,
         .tokens_out = 3},
    Called{"a", "run", CallEnd::kError, "make: *** no rule"},
};

std::string TextOf(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += ToJsonLine(entry);
  return text;
}

TEST(Transcript, IsReadAsItWasWritten) {
  const std::string text = TextOf(kEntries);
  const auto read = ReadTranscript(text, "t.jsonl");
  ASSERT_TRUE(read) << base::ToString(read.error());
  EXPECT_EQ(TextOf(*read), text);
  // Killed in the middle of a line.
  const auto half = ReadTranscript(text + R"({"type":"call","id)", "t.jsonl");
  ASSERT_TRUE(half);
  EXPECT_EQ(TextOf(*half), text);
}

TEST(Transcript, GoesOnWithoutMakingACallAgain) {
  using enum Message::Role;
  const auto messages = MessagesOf(kEntries);
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0], (Message{kSystem, "rules", {}, {}}));
  EXPECT_EQ(messages[1], (Message{kUser, "make the tests pass", {}, {}}));
  EXPECT_EQ(messages[2].calls.size(), 2u);
  EXPECT_EQ(messages[3], (Message{kTool, "make: *** no rule", {}, "a"}));
  EXPECT_EQ(
      messages[4],
      (Message{
          kTool, "How this call ended is not known: the agent was stopped during it.", {}, "b"}));
}

TEST(Transcript, NamesTheLineThatIsNone) {
  const std::string start = ToJsonLine(kEntries[0]);
  struct Row {
    std::string text;
    const char* want;
  };
  const Row rows[] = {
      {"", "t.jsonl:1: read transcript: it is empty"},
      {"[]\n", "t.jsonl:1: read transcript: no JSON object"},
      {start + "{\"type\":\"end\"}\n",
       "t.jsonl:2: read transcript: an entry without all that it should have"},
      {start + "{\"type\":\"dream\"}\n",
       "t.jsonl:2: read transcript: an entry of a kind or version that is not known"},
      {start + start,
       "t.jsonl:2: read transcript: the first entry, and no other, says what was started"},
      {ToJsonLine(kEntries[1]),
       "t.jsonl:1: read transcript: the first entry, and no other, says what was started"},
  };
  for (const Row& row : rows) {
    const auto read = ReadTranscript(row.text, "t.jsonl");
    ASSERT_FALSE(read) << row.want;
    EXPECT_EQ(base::ToString(read.error()), row.want);
  }
}

TEST(Transcript, IsAFileOfItsUserAlone) {
  char directory[] = "/tmp/bailey-transcript-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/t.jsonl";
  {
    auto transcript = Transcript::Create(path);
    ASSERT_TRUE(transcript) << transcript.error().text;
    for (const Entry& entry : kEntries) ASSERT_TRUE(transcript->Add(entry));
    struct stat status = {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), TextOf(kEntries));
    EXPECT_FALSE(Transcript::Create(path));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace bailey::agent
