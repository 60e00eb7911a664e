#include "agent/loop.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace bailey::agent {
namespace {

using nlohmann::json;

const std::vector<Tool> kTools = {
    {"write", "", json::parse(R"({"type":"object","required":["path"],"additionalProperties":false,
                                  "properties":{"path":{"type":"string"}}})")}};

// A model and a server that say what they are told to, and remember what they heard.
struct Play {
  std::deque<Turn> turns;
  std::vector<json> called;
  std::vector<std::vector<Message>> asked;

  base::Result<std::string> Run(Budget budget = {}) {
    auto transcript = Transcript::Append("/dev/null");
    Parts parts;
    parts.ask = [this](const std::vector<Message>& messages) -> base::Result<Turn> {
      asked.push_back(messages);
      const Turn turn = turns.front();
      turns.pop_front();
      return turn;
    };
    parts.call = [this](const ToolCall& call, const json& arguments) -> base::Result<Called> {
      called.push_back(arguments);
      if (arguments["path"] == "lost") return base::InvalidInput("the server has ended");
      return Called{call.id, call.tool, CallEnd::kDone, "written"};
    };
    parts.tell = [](const ToolCall&, const Called&) {};
    return Loop(std::move(parts), kTools, budget, *transcript).Run({});
  }

  std::string Told() const { return asked.back().back().text; }
};

Turn Calling(std::string tool, std::string arguments) {
  return {.text = "",
          .calls = {{"1", std::move(tool), std::move(arguments)}},
          .tokens_in = 10,
          .tokens_out = 5};
}

TEST(Loop, CallsUntilTheModelWantsNothing) {
  Play play{{Calling("write", R"({"path":"a"})"), {.text = "Done."}}, {}, {}};
  const auto why = play.Run();
  ASSERT_TRUE(why) << why.error().text;
  EXPECT_EQ(*why, "");
  EXPECT_EQ(play.called, (std::vector<json>{{{"path", "a"}}}));
  EXPECT_EQ(play.Told(), "written");
}

TEST(Loop, RunsNothingThatIsNotOfTheSchema) {
  const std::map<std::string, std::pair<std::string, std::string>> rows = {
      {"{", {"write", "Nothing was run: the arguments are no JSON object."}},
      {"[]", {"write", "Nothing was run: the arguments are no JSON object."}},
      {"{}", {"write", "Nothing was run: the arguments are not of the tool's schema: "}},
      {R"({"path":1})", {"write", "Nothing was run: the arguments are not of the tool's schema: "}},
      {R"({"path":"a","mode":1})",
       {"write", "Nothing was run: the arguments are not of the tool's schema: "}},
      {R"({"path":"a"})", {"erase", "Nothing was run: there is no tool \"erase\"."}},
  };
  for (const auto& [arguments, row] : rows) {
    Play play{{Calling(row.first, arguments), {.text = "Oh."}}, {}, {}};
    ASSERT_TRUE(play.Run());
    EXPECT_TRUE(play.called.empty()) << arguments;
    EXPECT_TRUE(play.Told().starts_with(row.second)) << play.Told();
  }
}

TEST(Loop, SaysThatAnEndIsNotKnown) {
  Play play{{Calling("write", R"({"path":"lost"})"), {.text = "Oh."}}, {}, {}};
  ASSERT_TRUE(play.Run());
  EXPECT_EQ(play.Told(), "How this call ended is not known: the server has ended.");
}

TEST(Loop, StopsAtEachBudget) {
  const auto endless = [] {
    return Play{std::deque<Turn>(9, Calling("write", R"({"path":"a"})")), {}, {}};
  };
  EXPECT_EQ(*endless().Run({.steps = 3}), "its 3 steps are used up");
  EXPECT_EQ(*endless().Run({.tokens = 40}), "its 40 tokens are used up");
  EXPECT_EQ(*endless().Run({.time = std::chrono::milliseconds(0)}), "its time of 0 ms is over");
  EXPECT_EQ(*endless().Run({.money = 0.5, .price = model::Price{20'000, 10'000}}),
            "its 0.5 of money are used up");
}

TEST(Shorten, KeepsBeginAndEndAndWholeLetters) {
  EXPECT_EQ(Shorten("short", 5), "short");
  EXPECT_EQ(Shorten("aaaabbbbcccc", 6), "aaa\n[... 6 bytes are left out here ...]\nccc");
  EXPECT_EQ(Shorten("aaäbbbbbbäaa", 6), "aa\n[... 10 bytes are left out here ...]\naa");
}

}  // namespace
}  // namespace bailey::agent
