#include "model/client.h"

#include <gtest/gtest.h>

#include <deque>

namespace bailey::model {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

const Json kSchema = Json::parse(
    R"({"type": "object", "additionalProperties": false, "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}}})");

HttpAnswer Said(const std::string& content, const std::string& reason = "stop") {
  const Json body = {
      {"choices", {{{"message", {{"content", content}}}, {"finish_reason", reason}}}},
      {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 20}}}};
  return {.status = 200, .body = body.dump()};
}

HttpAnswer Status(long status, const std::string& body = "") {
  return {.status = status, .body = body};
}

// A server that gives its answers in turn, and what was asked of it.
struct Script {
  std::deque<base::Result<HttpAnswer>> answers;
  std::vector<HttpRequest> requests;
  std::vector<milliseconds> waits;

  Client MakeClient(Endpoint endpoint = {"http://127.0.0.1:1/v1", "small", "sesame"},
                    Limits limits = {}) {
    Client client(std::move(endpoint), limits, Price{2, 10},
                  [this](const HttpRequest& request) -> base::Result<HttpAnswer> {
                    requests.push_back(request);
                    if (answers.empty()) return base::Internal("the script is at its end");
                    auto answer = answers.front();
                    answers.pop_front();
                    return answer;
                  });
    client.SetSleep([this](milliseconds wait) { waits.push_back(wait); });
    return client;
  }
};

const Question kQuestion = {
    .messages = {{"system", "rules"}, {"user", "data"}}, .schema_name = "yes", .schema = kSchema};

TEST(Client, AsksForTheSchemaAndAnswersOfIt) {
  Script script;
  script.answers = {Said(R"({"ok": true})")};
  Client client = script.MakeClient({"http://127.0.0.1:1/v1/", "small", "sesame"});
  const auto answer = client.Ask(kQuestion);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(*answer, Json({{"ok", true}}));
  ASSERT_EQ(script.requests.size(), 1U);
  const HttpRequest& request = script.requests[0];
  EXPECT_EQ(request.url, "http://127.0.0.1:1/v1/chat/completions");
  EXPECT_EQ(request.headers, (std::vector<std::string>{"Content-Type: application/json",
                                                       "Authorization: Bearer sesame"}));
  EXPECT_EQ(Json::parse(request.body), Json::parse(R"({
    "model": "small", "temperature": 0, "max_tokens": 8192,
    "messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": "data"}],
    "response_format": {"type": "json_schema", "json_schema": {
      "name": "yes", "strict": true, "schema": {
        "type": "object", "additionalProperties": false, "required": ["ok"],
        "properties": {"ok": {"type": "boolean"}}}}}})"));
  EXPECT_EQ(client.Spent().ToString(), "1 request, 100 tokens in, 20 out, cost 0.0004");
}

struct Row {
  std::string sentence;
  std::deque<base::Result<HttpAnswer>> answers;
  std::string want;  // the error; empty: it succeeds
  std::size_t requests;
};

TEST(Client, TriesAgainWhatMayPass) {
  HttpAnswer limited = Status(429, R"({"error": {"message": "slow down"}})");
  limited.retry_after = std::chrono::seconds(3);
  const HttpAnswer good = Said(R"({"ok": false})");
  const std::vector<Row> rows = {
      {"a limit", {limited, good}, "", 2},
      {"a fault of the server", {Status(500), Status(503), good}, "", 3},
      {"no connection", {base::SystemError("post to x: refused", 0), good}, "", 2},
      {"no JSON", {Said("Sure! Here is"), good}, "", 2},
      {"another schema", {Said(R"({"ok": "yes"})"), good}, "", 2},
      {"a body that is no JSON", {Status(200, "<html>"), good}, "", 2},
      {"a limit for good",
       {limited, limited, limited, limited},
       "ask model \"small\": status 429: slow down",
       4},
      {"faults for good",
       {Status(500, "oh"), Status(500, "oh"), Status(500, "oh"), Status(500, "oh")},
       "ask model \"small\": status 500: oh",
       4},
      {"never of the schema",
       {Said("{}"), Said("{}"), Said("{}"), Said("{}")},
       "ask model \"small\": its answer is not of the schema: $: ok is missing",
       4},
      {"never a message",
       {Status(200, "{}"), Status(200, R"({"choices": []})"), Status(200, R"({"choices": [7]})"),
        Status(200, "[]")},
       "ask model \"small\": the server's answer is no object",
       4},
  };
  for (const Row& row : rows) {
    Script script{.answers = row.answers};
    Client client = script.MakeClient();
    const auto answer = client.Ask(kQuestion);
    EXPECT_EQ(answer ? "" : answer.error().text, row.want) << row.sentence;
    EXPECT_EQ(script.requests.size(), row.requests) << row.sentence;
  }
}

TEST(Client, GivesUpOnWhatWillNotPass) {
  const Json refusal = {{"choices", {{{"message", {{"refusal", "I cannot\nhelp"}}}}}}};
  const std::vector<Row> rows = {
      {"a refusal",
       {Status(200, refusal.dump())},
       "ask model \"small\": it refused: I cannot\\nhelp",
       1},
      {"a cut-off answer",
       {Said(R"({"ok": )", "length")},
       "ask model \"small\": its answer was cut off (at most 8192 tokens)",
       1},
      {"a filter", {Said("", "content_filter")}, "ask model \"small\": its answer was filtered", 1},
      {"a wrong key",
       {Status(401, R"({"error": {"message": "no key sesame here"}})")},
       "ask model \"small\": status 401: no key (key) here",
       1},
      {"a redirect", {Status(302, "elsewhere")}, "ask model \"small\": status 302: elsewhere", 1},
  };
  for (const Row& row : rows) {
    Script script{.answers = row.answers};
    Client client = script.MakeClient();
    const auto answer = client.Ask(kQuestion);
    EXPECT_EQ(answer ? "" : answer.error().text, row.want) << row.sentence;
    EXPECT_EQ(script.requests.size(), row.requests) << row.sentence;
  }
}

TEST(Client, WaitsLongerEachTimeOrAsLongAsItIsTold) {
  HttpAnswer told = Status(429);
  told.retry_after = std::chrono::seconds(3);
  Script script{.answers = {Status(500), told, Status(500), Said(R"({"ok": true})")}};
  Client client = script.MakeClient();
  ASSERT_TRUE(client.Ask(kQuestion));
  EXPECT_EQ(script.waits,
            (std::vector<milliseconds>{milliseconds(500), milliseconds(3000), milliseconds(2000)}));
}

TEST(Client, DoesNotWaitPastItsTime) {
  HttpAnswer told = Status(429, "busy");
  told.retry_after = std::chrono::seconds(3600);
  Script script{.answers = {told}};
  Client client = script.MakeClient();
  EXPECT_EQ(client.Ask(kQuestion).error().text, "ask model \"small\": status 429: busy");
  EXPECT_TRUE(script.waits.empty());
}

TEST(Client, SendsAKeyOnlyWhereItIsNotRead) {
  struct Endpoints {
    std::string url, key, want;
  };
  const std::string clear =
      "ask model \"m\": the key would travel in the clear: its address is http:// on another "
      "machine";
  const std::vector<Endpoints> rows = {
      {"https://api.example.org/v1", "k1", ""},
      {"http://localhost:8080/v1", "k1", ""},
      {"http://[::1]:8080/v1", "k1", ""},
      {"http://model.example.org/v1", "", ""},
      {"http://model.example.org/v1", "k1", clear},
      {"http://127.0.0.1@model.example.org/v1", "k1", clear},
      {"http://localhost.example.org/v1", "k1", clear},
      {"http://127.0.0.1.example.org/v1", "k1", clear},
      {"file:///etc/passwd", "",
       "ask model \"m\": its address \"file:///etc/passwd\" is neither http:// nor https://"},
  };
  for (const Endpoints& row : rows) {
    Script script{.answers = {Said(R"({"ok": true})")}};
    const auto answer = script.MakeClient({row.url, "m", row.key}).Ask(kQuestion);
    EXPECT_EQ(answer ? "" : answer.error().text, row.want) << row.url;
    EXPECT_EQ(script.requests.size(), row.want.empty() ? 1U : 0U) << row.url;
  }
}

}  // namespace
}  // namespace bailey::model
