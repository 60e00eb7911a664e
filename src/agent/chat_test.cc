#include "agent/chat.h"

#include <gtest/gtest.h>

#include <deque>

namespace bailey::agent {
namespace {

using std::chrono::milliseconds;

constexpr const char* kHello =
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

// A server that has its answers ready: a status with a body, or no answer at all.
class Scripted {
 public:
  struct Answer {
    long status = 200;  // 0: none
    std::string body;
    std::optional<std::chrono::seconds> retry_after;
  };

  explicit Scripted(std::deque<Answer> answers) : answers_(std::move(answers)) {}

  base::Result<Turn> Ask(model::Endpoint endpoint = {"http://127.0.0.1:1/v1", "qwen", "s3cret"}) {
    Chat chat(std::move(endpoint), {.tries = 3}, nlohmann::json::array(),
              [this](const model::HttpRequest& request) { return Post(request); });
    chat.SetSleep([this](milliseconds time) { waits.push_back(time); });
    return chat.Ask({{Message::Role::kUser, "Hi", {}, {}}},
                    [this](std::string_view text) { shown += text; });
  }

  std::vector<milliseconds> waits;
  std::vector<nlohmann::json> requests;
  std::string shown;

 private:
  base::Result<model::HttpAnswer> Post(const model::HttpRequest& request) {
    requests.push_back(nlohmann::json::parse(request.body));
    const Answer answer = answers_.front();
    answers_.pop_front();
    if (answer.status == 0)
      return base::Error{.code = base::ErrorCode::kSystem, .text = "post to x: no route"};
    if (answer.status != 200)
      return model::HttpAnswer{answer.status, answer.body, answer.retry_after};
    // In two pieces, as networks have it.
    const std::string_view body = answer.body;
    for (const std::string_view piece :
         {body.substr(0, body.size() / 2), body.substr(body.size() / 2)})
      if (!request.take(piece)) break;
    return model::HttpAnswer{200, {}, {}};
  }

  std::deque<Answer> answers_;
};

TEST(Chat, ShowsAndGivesWhatIsStreamed) {
  Scripted server({{200, kHello, {}}});
  const auto turn = server.Ask();
  ASSERT_TRUE(turn) << turn.error().text;
  EXPECT_EQ(turn->text, "Hello");
  EXPECT_EQ(server.shown, "Hello");
  EXPECT_EQ(server.requests[0]["model"], "qwen");
  EXPECT_EQ(server.requests[0]["stream"], true);
  EXPECT_EQ(server.requests[0]["messages"],
            nlohmann::json::parse(R"([{"role":"user","content":"Hi"}])"));
}

TEST(Chat, TriesAgainWhatMayPass) {
  const Scripted::Answer passing[] = {
      {0, "", {}},
      {429, R"({"error":{"message":"slow down"}})", std::chrono::seconds(7)},
      {503, "busy", {}},
      {200, "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n", {}},
      {200, "data: {nonsense\n\n", {}},
      {200, "", {}},
      {200, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n", {}},
  };
  for (const Scripted::Answer& first : passing) {
    Scripted server({first, {200, kHello, {}}});
    const auto turn = server.Ask();
    ASSERT_TRUE(turn) << turn.error().text;
    EXPECT_EQ(turn->text, "Hello");
    EXPECT_EQ(server.waits, std::vector<milliseconds>{first.retry_after ? milliseconds(7000)
                                                                        : milliseconds(500)});
  }
}

TEST(Chat, GivesUpAfterItsTries) {
  Scripted server({{503, "busy", {}}, {503, "busy", {}}, {503, "busy", {}}});
  const auto turn = server.Ask();
  ASSERT_FALSE(turn);
  EXPECT_EQ(turn.error().text, "ask model \"qwen\": status 503: busy");
  EXPECT_EQ(server.waits, (std::vector<milliseconds>{milliseconds(500), milliseconds(1000)}));
}

TEST(Chat, DoesNotTryAgainWhatWillNotPass) {
  struct Row {
    Scripted::Answer answer;
    const char* text;
  };
  const Row rows[] = {
      {{401, R"({"error":"wrong key s3cret"})", {}},
       "ask model \"qwen\": status 401: wrong key (key)"},
      {{200,
        "data: {\"choices\":[{\"delta\":{\"refusal\":\"I will not\"},\"finish_reason\":\"stop\"}]}"
        "\n\n",
        {}},
       "ask model \"qwen\": it refused: I will not"},
      {{200, R"({"choices":[{"message":{"content":"x"},"finish_reason":"length"}]})", {}},
       "ask model \"qwen\": its answer was cut off at its limit of tokens"},
  };
  for (const Row& row : rows) {
    Scripted server({row.answer});
    const auto turn = server.Ask();
    ASSERT_FALSE(turn);
    EXPECT_EQ(turn.error().text, row.text);
    EXPECT_TRUE(server.waits.empty());
  }
}

TEST(Chat, SendsNoKeyInTheClearToAnotherMachine) {
  Scripted server({});
  const auto turn = server.Ask({"http://models.example.org/v1", "qwen", "s3cret"});
  ASSERT_FALSE(turn);
  EXPECT_TRUE(server.requests.empty());
}

}  // namespace
}  // namespace bailey::agent
