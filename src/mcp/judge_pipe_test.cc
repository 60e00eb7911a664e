#include "mcp/judge_pipe.h"

#include <gtest/gtest.h>

namespace bailey::mcp {
namespace {

TEST(FrameReader, ReadsWhatWasWritten) {
  const Frame frames[] = {{Topic::kTool, {"name", std::string(100'000, 'd')}},
                          {Topic::kWait, {}},
                          {Topic::kNote, {""}},
                          {Topic::kFailed, {std::string("a\0b", 3), "c"}}};
  std::string bytes;
  for (const Frame& frame : frames) bytes += Encode(frame);
  FrameReader reader;
  std::vector<Frame> read;
  for (const char byte : bytes) {
    reader.Take({&byte, 1});
    while (auto frame = reader.Next()) read.push_back(*std::move(frame));
  }
  EXPECT_TRUE(std::ranges::equal(read, frames));
  EXPECT_FALSE(reader.IsBroken());
}

TEST(FrameReader, WhatIsNoFrameIsTheEnd) {
  using std::string_literals::operator""s;
  for (const std::string& bytes :
       {"\0\0\0\0"s, "\xff\xff\xff\xff"s, "\x01\0\0\0\x63"s, "\x03\0\0\0\0ab"s,
        "\x05\0\0\0\0\xff\0\0\0"s, "\x05\0\0\0\0\xff\xff\xff\xff"s}) {
    FrameReader reader;
    reader.Take(bytes);
    EXPECT_FALSE(reader.Next()) << bytes;
    EXPECT_TRUE(reader.IsBroken()) << bytes;
    reader.Take(Encode({Topic::kWait, {}}));
    EXPECT_FALSE(reader.Next());
  }
}

TEST(JudgePipe, OnlyQuestionsAreAnswered) {
  int asked = 0;
  const Judges judges = {[&](const Tool& tool) -> std::optional<std::string> {
                           ++asked;
                           if (tool.name == "bad") return "changed";
                           return std::nullopt;
                         },
                         [&](const Call& call) {
                           ++asked;
                           if (call.tool == "ask") return Verdict{std::nullopt, "may it?", 7};
                           return Verdict{"no", "", 0};
                         },
                         [&](std::uint64_t number,
                             std::optional<std::string_view> answer) -> std::optional<std::string> {
                           ++asked;
                           if (number == 7 && answer == "once") return std::nullopt;
                           return answer ? "denied" : "nobody";
                         }};
  EXPECT_EQ(AnswerFor(judges, {Topic::kTool, {"good", "{}"}}), (Frame{Topic::kTool, {}}));
  EXPECT_EQ(AnswerFor(judges, {Topic::kTool, {"bad", "{}"}}), (Frame{Topic::kTool, {"changed"}}));
  EXPECT_EQ(AnswerFor(judges, {Topic::kCall, {"ask", "{}", ""}}),
            (Frame{Topic::kCall, {"may it?", "7"}}));
  EXPECT_EQ(AnswerFor(judges, {Topic::kCall, {"x", "{}", ""}}), (Frame{Topic::kCall, {"no"}}));
  EXPECT_EQ(AnswerFor(judges, {Topic::kAnswer, {"7", "once"}}), (Frame{Topic::kAnswer, {}}));
  EXPECT_EQ(AnswerFor(judges, {Topic::kAnswer, {"7"}}), (Frame{Topic::kAnswer, {"nobody"}}));
  EXPECT_EQ(asked, 6);
  for (const Frame& frame :
       {Frame{Topic::kTool, {"one"}}, Frame{Topic::kCall, {"a", "b"}}, Frame{Topic::kAnswer, {"x"}},
        Frame{Topic::kAnswer, {}}, Frame{Topic::kNote, {"a", "b"}}})
    EXPECT_EQ(AnswerFor(judges, frame), std::nullopt);
  EXPECT_EQ(AnswerFor({}, {Topic::kTool, {"good", "{}"}}), std::nullopt);
  EXPECT_EQ(asked, 6);
}

}  // namespace
}  // namespace bailey::mcp
