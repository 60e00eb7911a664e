#include "agent/turn.h"

#include <gtest/gtest.h>

namespace bailey::agent {
namespace {

TEST(EventReader, JoinsWhatComesInPieces) {
  const std::string stream =
      ": a comment\n"
      "event: piece\r\ndata: one\r\n\r\n"
      "data:two\ndata: lines\n\n"
      "data\n\n"
      "data: \n\n"
      "data: left";
  for (std::size_t size = 1; size < stream.size(); ++size) {
    EventReader reader;
    std::vector<std::string> events;
    for (std::size_t at = 0; at < stream.size(); at += size) {
      for (std::string& event : reader.Take(std::string_view(stream).substr(at, size)))
        events.push_back(std::move(event));
    }
    EXPECT_EQ(events, (std::vector<std::string>{"one", "two\nlines", ""})) << size;
  }
}

Turn Built(const std::vector<std::string>& pieces) {
  TurnBuilder builder;
  for (const std::string& piece : pieces) {
    const auto taken = builder.Take(piece);
    EXPECT_TRUE(taken) << taken.error().text;
  }
  auto turn = builder.Finish();
  EXPECT_TRUE(turn) << turn.error().text;
  return turn ? *turn : Turn();
}

TEST(TurnBuilder, PutsPiecesTogether) {
  const Turn turn = Built({
      R"({"choices":[{"delta":{"role":"assistant","content":"I "}}]})",
      R"({"choices":[{"delta":{"content":"look."}}]})",
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function",
          "function":{"name":"read","arguments":""}}]}}]})",
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\""}}]}}]})",
      R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b",
          "function":{"name":"list","arguments":"{}"}}]}}]})",
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":\"x\"}"}}]}}]})",
      R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})",
      R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4}})",
      "[DONE]",
  });
  EXPECT_EQ(turn, (Turn{.text = "I look.",
                        .calls = {{"a", "read", R"({"path":"x"})"}, {"b", "list", "{}"}},
                        .tokens_in = 10,
                        .tokens_out = 4}));
}

TEST(TurnBuilder, TakesAWholeAnswerToo) {
  const Turn turn = Built(
      {R"({"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},
          "finish_reason":"stop"}]})"});
  EXPECT_EQ(turn.calls, (std::vector<ToolCall>{{"call-0", "f", "{}"}}));
}

struct Row {
  std::vector<std::string> pieces;
  base::ErrorCode code;
  const char* text;
};

TEST(TurnBuilder, SaysWhatIsNoAnswer) {
  using enum base::ErrorCode;
  const Row rows[] = {
      {{"{"}, kInvalidInput, "the server's answer is no JSON"},
      {{"[]"}, kInvalidInput, "the server's answer is no object"},
      {{R"({"error":{"message":"overloaded"}})"},
       kInvalidInput,
       "the server broke off: overloaded"},
      {{R"({"choices":1})"}, kInvalidInput, "the server's answer has no message"},
      {{R"({"choices":[{"delta":{"content":"half"}}]})"}, kInvalidInput, "its answer has no end"},
      {{R"({"choices":[{"delta":{},"finish_reason":"stop"}]})"},
       kInvalidInput,
       "its answer is empty"},
      {{R"({"choices":[{"delta":{"content":"x"},"finish_reason":"length"}]})"},
       kUnsupported,
       "its answer was cut off at its limit of tokens"},
      {{R"({"choices":[{"delta":{"refusal":"no"},"finish_reason":"stop"}]})"},
       kUnsupported,
       "it refused: no"},
      {{R"({"choices":[{"delta":{"tool_calls":[1]}}]})"},
       kInvalidInput,
       "the server's answer has a call that is none"},
  };
  for (const Row& row : rows) {
    TurnBuilder builder;
    base::Status status;
    for (const std::string& piece : row.pieces)
      if (status) status = builder.Take(piece);
    base::Error error;
    if (!status) {
      error = status.error();
    } else {
      const auto turn = builder.Finish();
      ASSERT_FALSE(turn) << row.text;
      error = turn.error();
    }
    EXPECT_EQ(error.code, row.code) << row.text;
    EXPECT_EQ(error.text, row.text);
  }
}

}  // namespace
}  // namespace bailey::agent
