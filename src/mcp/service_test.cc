#include "mcp/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bailey::mcp {
namespace {

using nlohmann::json;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest()
      : service_({"test", "1", "Be kind."},
                 {{"echo",
                   R"({"name":"echo","inputSchema":{"type":"object","required":["text"],
                      "properties":{"text":{"type":"string"}}}})",
                   [](const std::string& arguments, Cancellation&) -> ToolResult {
                     return {json::parse(arguments)["text"], R"({"a":1})", false};
                   }}}) {}
  json Ask(const std::string& line) { return json::parse(service_.Answer(line)); }

  Service service_;
};

TEST_F(ServiceTest, ShakesHandsInTheVersionThatBothSpeak) {
  for (const auto& [asked, want] :
       {std::pair("2025-06-18", "2025-06-18"), std::pair("2025-11-25", "2025-11-25"),
        std::pair("1999-01-01", "2025-11-25")}) {
    const json answer = Ask(json{{"jsonrpc", "2.0"},
                                 {"id", 1},
                                 {"method", "initialize"},
                                 {"params", {{"protocolVersion", asked}}}}
                                .dump());
    EXPECT_EQ(answer["result"]["protocolVersion"], want);
    EXPECT_EQ(answer["result"]["serverInfo"]["name"], "test");
    EXPECT_FALSE(answer["result"].contains("resultType"));
  }
  EXPECT_EQ(service_.Answer(R"({"method":"notifications/initialized"})"), "");
}

TEST_F(ServiceTest, SpeaksWithoutAHandshakeToo) {
  const json answer = Ask(R"({"id":"d","method":"server/discover"})")["result"];
  EXPECT_EQ(answer["supportedVersions"], json({"2026-07-28", "2025-11-25", "2025-06-18"}));
  EXPECT_EQ(answer["resultType"], "complete");
  const json list = Ask(
      R"({"id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})");
  EXPECT_EQ(list["result"]["resultType"], "complete");
  EXPECT_EQ(list["result"]["cacheScope"], "private");
  EXPECT_EQ(list["result"]["tools"][0]["name"], "echo");
  const json other = Ask(
      R"({"id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01"}}})");
  EXPECT_EQ(other["error"]["code"], -32022);
}

TEST_F(ServiceTest, CallsTools) {
  const json answer =
      Ask(R"({"id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"}}})");
  EXPECT_EQ(answer["result"], json::parse(R"({"content":[{"type":"text","text":"hi"}],
                                "structuredContent":{"a":1},"isError":false})"));
}

TEST_F(ServiceTest, SaysWhatToChange) {
  struct {
    const char* line;
    const char* error;
  } const rows[] = {
      {R"({"id":1,"method":"tools/call","params":{"name":"none"}})",
       "call tool \"none\": there is no such tool"},
      {R"({"id":1,"method":"tools/call","params":{}})",
       "read call of a tool: it names none, or more than one"},
      {R"({"id":1,"method":"resources/list"})", "answer resources/list: there is no such method"},
      {R"({"id":1,"method":"ping","params":[]})", "read request: its params are no object"},
      {R"({"id":1,"method":"ping","params":{"a":"\ud800"}})",
       "read request: a text in it is no Unicode"},
  };
  for (const auto& row : rows) EXPECT_EQ(Ask(row.line)["error"]["message"], row.error) << row.line;
  // A model can do something about this one.
  const json answer = Ask(R"({"id":1,"method":"tools/call","params":{"name":"echo"}})");
  EXPECT_EQ(answer["result"]["isError"], true);
  EXPECT_EQ(answer["result"]["content"][0]["text"],
            "call tool \"echo\": the arguments: \"text\" is missing");
  EXPECT_TRUE(
      Ask(R"({"id":2,"method":"initialize","params":{"protocolVersion":7}})").contains("result"));
}

}  // namespace
}  // namespace bailey::mcp
