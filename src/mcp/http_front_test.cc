#include "mcp/http_front.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace bailey::mcp {
namespace {

constexpr std::string_view kTypes =
    "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";
constexpr std::string_view kInitialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})";

// One client and whatever servers it starts, without sockets.
class Fixture : public ::testing::Test {
 protected:
  explicit Fixture(HttpFrontLimits limits = {})
      : front_(RulesFor("127.0.0.1", 80, {}, {}), limits,
               [this] { return fmt::format("session{}", ++names_); }) {
    front_.Opened(1, now_);
  }

  static std::string Post(std::string_view body, std::string_view fields = "") {
    return fmt::format("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{}{}Content-Length: {}\r\n\r\n{}",
                       kTypes, fields, body.size(), body);
  }
  void Say(std::string_view text, ConnectionId id = 1) { front_.FromClient(id, text, now_); }
  std::string Hear(ConnectionId id = 1) {
    const std::string heard = front_.ToClient(id);
    front_.Wrote(id, heard.size(), now_);
    return heard;
  }
  std::string HearServer(ServerNumber server) { return std::exchange(front_.ToServer(server), {}); }
  // A session that is there: its server is 1.
  void Begin() {
    Say(Post(kInitialize));
    ASSERT_EQ(front_.TakeWanted(), std::vector<ServerNumber>{1});
    front_.FromServer(1, R"({"jsonrpc":"2.0","id":1,"result":{}})"
                         "\n");
    ASSERT_NE(Hear().find("Mcp-Session-Id: session1\r\n"), std::string::npos);
    (void)HearServer(1);
  }

  HttpClock::time_point now_ = HttpClock::now();
  int names_ = 0;
  HttpFront front_;
};

using Front = Fixture;

TEST_F(Front, ReadsARequestHoweverItIsCut) {
  const std::string request = Post(kInitialize);
  for (const char c : request) Say({&c, 1});
  EXPECT_EQ(front_.TakeWanted(), std::vector<ServerNumber>{1});
  EXPECT_EQ(HearServer(1), std::string(kInitialize) + "\n");
}

TEST_F(Front, AMessageIsOneLineForItsServer) {
  Begin();
  Say(Post("{\n \"id\": 2,\r\n\t\"method\": \"ping\"}\n", "Mcp-Session-Id: session1\r\n"));
  EXPECT_EQ(HearServer(1), "{  \"id\": 2,  \t\"method\": \"ping\"} \n");
}

TEST_F(Front, AnAnswerIsPassedOnAsItComes) {
  Begin();
  Say(Post(R"({"id":2,"method":"a"})", "Mcp-Session-Id: session1\r\n"));
  const std::string begin = R"({"id":2,"result":")" + std::string(70'000, 'x');
  front_.FromServer(1, begin);
  const std::string first = Hear();
  EXPECT_NE(first.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(first.substr(first.find("\r\n\r\n") + 4),
            fmt::format("{:x}\r\n{}\r\n", begin.size(), begin));
  front_.FromServer(1, "y\"}\n");
  EXPECT_EQ(Hear(), "3\r\ny\"}\r\n0\r\n\r\n");
}

TEST_F(Front, AnAnswerWhoseIdComesLastIsPassedOnWhereOnlyOneWaits) {
  Begin();
  Say(Post(R"({"id":2,"method":"a"})", "Mcp-Session-Id: session1\r\n"));
  const std::string text(70'000, 'x');
  front_.FromServer(1, R"({"result":")" + text);
  EXPECT_GT(Hear().size(), text.size());
  front_.FromServer(1, R"(","id":3})"
                       "\n");  // it was another's
  EXPECT_TRUE(front_.IsOver(1));
}

TEST_F(Front, WithSeveralWaitingItIsHeldUntilItsIdIsKnown) {
  Begin();
  front_.Opened(2, now_);
  Say(Post(R"({"id":2,"method":"a"})", "Mcp-Session-Id: session1\r\n"));
  Say(Post(R"({"id":3,"method":"a"})", "Mcp-Session-Id: session1\r\n"), 2);
  const std::string answer = R"({"result":")" + std::string(70'000, 'x') + R"(","id":3})";
  front_.FromServer(1, answer + "\n");
  EXPECT_EQ(Hear(1), "");
  EXPECT_NE(Hear(2).find(answer), std::string::npos);
}

TEST_F(Front, NoticesGoWhereTheyBelong) {
  Begin();
  front_.Opened(2, now_);
  const std::string_view session = "Mcp-Session-Id: session1\r\n";
  Say(Post(R"({"id":2,"method":"a","params":{"_meta":{"progressToken":"t"}}})", session));
  Say(Post(R"({"id":3,"method":"a"})", session), 2);
  front_.FromServer(1, R"({"method":"notifications/progress","params":{"progressToken":"t"}})"
                       "\n");
  EXPECT_NE(Hear(1).find("id: 2-1\ndata: {\"method\""), std::string::npos);
  EXPECT_EQ(Hear(2), "");
  // Without a listener the newest request hears it.
  front_.FromServer(1, R"({"method":"notifications/message","params":{}})"
                       "\n");
  EXPECT_NE(Hear(2).find("text/event-stream"), std::string::npos);
}

TEST_F(Front, WhatNobodyHearsWaitsForAListenerAndIsBounded) {
  Begin();
  for (int i = 0; i < 1000; ++i)
    front_.FromServer(1, R"({"id":"q","method":"sampling/createMessage"})"
                         "\n");
  const std::string refused = HearServer(1);
  EXPECT_NE(refused.find("ask the client: it does not listen"), std::string::npos);
  Say("GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
      "Mcp-Session-Id: session1\r\n\r\n");
  const std::string heard = Hear();
  EXPECT_NE(heard.find("id: 0-64\n"), std::string::npos);
  EXPECT_EQ(heard.find("id: 0-65\n"), std::string::npos);
}

TEST_F(Front, WhatTakesLongBecomesAStream) {
  Begin();
  Say(Post(R"({"id":2,"method":"a"})",
           "Mcp-Session-Id: session1\r\nMCP-Protocol-Version: 2025-11-25\r\n"));
  now_ += std::chrono::seconds(16);
  front_.Tick(now_);
  EXPECT_NE(Hear().find("id: 2-0\ndata: \n\n"), std::string::npos);
  front_.FromServer(1, R"({"id":2,"result":{}})"
                       "\n");
  EXPECT_NE(Hear().find("id: 2-1\ndata: {\"id\":2,\"result\":{}}\n\n\r\n0\r\n\r\n"),
            std::string::npos);
}

TEST_F(Front, SlowClientsAreLeft) {
  Say("POST /mcp HT");
  now_ += std::chrono::seconds(11);
  front_.Tick(now_);
  EXPECT_NE(Hear().find("408 Request Timeout"), std::string::npos);
  EXPECT_TRUE(front_.IsOver(1));
  front_.Opened(2, now_);  // says nothing at all
  now_ += std::chrono::seconds(11);
  front_.Tick(now_);
  EXPECT_TRUE(front_.IsOver(2));
}

TEST_F(Front, AClientThatDoesNotReadMakesItsServerWaitAndIsLeft) {
  Begin();
  Say(Post(R"({"id":2,"method":"a"})", "Mcp-Session-Id: session1\r\n"));
  front_.FromServer(1, R"({"id":2,"result":")" + std::string(300'000, 'x'));
  EXPECT_FALSE(front_.ReadsServer(1));
  now_ = HttpClock::now() + std::chrono::seconds(61);
  front_.Tick(now_);
  EXPECT_TRUE(front_.IsOver(1));
  front_.ClientGone(1);
  EXPECT_TRUE(front_.ReadsServer(1));
}

TEST_F(Front, ASessionThatNobodyUsesEnds) {
  Begin();
  now_ += std::chrono::hours(2);
  front_.Tick(now_);
  EXPECT_EQ(front_.TakeUnwanted(), std::vector<ServerNumber>{1});
}

TEST_F(Front, ARefusedInitializeIsNoSession) {
  Say(Post(kInitialize));
  front_.FromServer(1, R"({"id":1,"error":{"code":-32602,"message":"no"}})"
                       "\n");
  EXPECT_EQ(Hear().find("Mcp-Session-Id"), std::string::npos);
  EXPECT_EQ(front_.TakeUnwanted(), std::vector<ServerNumber>{1});
}

TEST_F(Front, WithoutASessionClosingGivesUp) {
  const std::string body =
      R"({"id":7,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})";
  Say(Post(body, "Mcp-Method: ping\r\nMCP-Protocol-Version: 2026-07-28\r\n"));
  EXPECT_EQ(HearServer(1), body + "\n");
  front_.ClientGone(1);
  EXPECT_NE(
      HearServer(1).find("\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7"),
      std::string::npos);
}

TEST(Admission, FieldsOfNamesAreDecoded) {
  EXPECT_EQ(DecodeField("plain"), "plain");
  EXPECT_EQ(DecodeField("=?base64?cnVu?="), "run");
  EXPECT_EQ(DecodeField("=?base64?w6k=?="), "\u00e9");
  EXPECT_EQ(DecodeField("=?base64?x?="), std::nullopt);
  EXPECT_EQ(DecodeField("=?base64?@@@@?="), std::nullopt);
}

TEST(Admission, TypesAreTakenAsHttpHasThem) {
  EXPECT_TRUE(Accepts("text/html, Application/JSON;q=0.5", "application/json"));
  EXPECT_TRUE(Accepts("*/*", "application/json"));
  EXPECT_TRUE(Accepts("application/*", "application/json"));
  EXPECT_FALSE(Accepts("text/*", "application/json"));
  EXPECT_FALSE(Accepts("", "application/json"));
}

}  // namespace
}  // namespace bailey::mcp
