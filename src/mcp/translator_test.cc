#include "mcp/translator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace bailey::mcp {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},)"
    R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}})";

std::string Stateless(std::string_view id, std::string_view method, std::string_view more = "") {
  return std::string(R"({"jsonrpc":"2.0","id":)") + std::string(id) + R"(,"method":")" +
         std::string(method) + R"(","params":{)" + std::string(kMeta) + std::string(more) + "}}\n";
}

class TranslatorTest : public testing::Test {
 protected:
  std::string Client(std::string_view line) {
    translator_.FromClient(line);
    return std::exchange(translator_.ToServer(), {});
  }
  std::string Server(std::string_view bytes) {
    translator_.FromServer(bytes);
    return std::exchange(translator_.ToClient(), {});
  }
  std::string ToClient() { return std::exchange(translator_.ToClient(), {}); }
  std::string ToServer() { return std::exchange(translator_.ToServer(), {}); }

  int changed_ = 0;
  Translator translator_{{.own = "own-"}, [this] { ++changed_; }};
};

// Two that speak the same.

TEST_F(TranslatorTest, PassesASessionAsItIs) {
  const std::string hello =
      R"({ "id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}})"
      "\n";
  EXPECT_EQ(Client(hello), hello);
  EXPECT_EQ(Client("{\"id\":2,\"method\":\"tools/list\"}\n"), "") << "until the server has begun";
  EXPECT_TRUE(translator_.HoldsForServer());
  EXPECT_EQ(Server("{\"id\":1, \"result\":{}}\n"), "{\"id\":1, \"result\":{}}\n");
  EXPECT_EQ(ToServer(), "{\"id\":2,\"method\":\"tools/list\"}\n");
  EXPECT_TRUE(translator_.IsPassing());
  EXPECT_FALSE(translator_.HoldsForServer());
}

TEST_F(TranslatorTest, PassesWhatHasNoSessionsAsItIs) {
  const std::string call = Stateless("7", "tools/call", R"(,"name":"a")");
  EXPECT_THAT(Client(call),
              StartsWith(R"({"jsonrpc":"2.0","id":"own-probe","method":"server/disc)"));
  EXPECT_EQ(Server(R"({"id":"own-probe","result":{"supportedVersions":["2026-07-28"]}})"
                   "\n"),
            "");
  EXPECT_EQ(ToServer(), call);
  EXPECT_TRUE(translator_.IsPassing());
}

TEST_F(TranslatorTest, TheClientsOwnProbeIsTheProbe) {
  const std::string probe = Stateless("1", "server/discover");
  EXPECT_EQ(Client(probe), probe);
  const std::string answer = R"({"id":1,"result":{"supportedVersions":["2026-07-28"]} })"
                             "\n";
  EXPECT_EQ(Server(answer), answer);
  EXPECT_TRUE(translator_.IsPassing());
}

TEST_F(TranslatorTest, WhoSaysNoVersionIsLeftAlone) {
  EXPECT_EQ(Client("{\"id\":1,\"method\":\"ping\"}\n"), "{\"id\":1,\"method\":\"ping\"}\n");
  EXPECT_FALSE(translator_.IsPassing());
  EXPECT_EQ(Client("{\"id\":2,\"method\":\"x\"}\n"), "{\"id\":2,\"method\":\"x\"}\n");
  EXPECT_TRUE(translator_.IsPassing());
}

// A client without sessions, a server with them.

class StatelessClientTest : public TranslatorTest {
 protected:
  void Begin(std::string_view capabilities = R"({"tools":{"listChanged":true},"logging":{}})") {
    (void)Client(Stateless("1", "server/discover"));
    EXPECT_EQ(Server(R"({"id":1,"error":{"code":-32601,"message":"no"}})"
                     "\n"),
              "");
    EXPECT_EQ(ToServer(), R"({"jsonrpc":"2.0","id":"own-open","method":"initialize","params":{)"
                          R"("protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},)"
                          R"("clientInfo":{"name":"c","version":"1"}}})"
                          "\n");
    discovered_ =
        Server(R"({"id":"own-open","result":{"protocolVersion":"2025-11-25",)"
               R"("capabilities":)" +
               std::string(capabilities) +
               R"(,"serverInfo":{"name":"s","version":"2"},"instructions":"Be \"kind\""}})"
               "\n");
    EXPECT_EQ(ToServer(), R"({"jsonrpc":"2.0","method":"notifications/initialized","params":{}})"
                          "\n");
  }
  std::string discovered_;
};

TEST_F(StatelessClientTest, IsToldWhatTheSessionWasTold) {
  Begin();
  EXPECT_EQ(discovered_,
            R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",)"
            R"("supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},)"
            R"("logging":{}},"ttlMs":0,"cacheScope":"private","instructions":"Be \"kind\"",)"
            R"("serverInfo":{"name":"s","version":"2"},"_meta":{)"
            R"("io.modelcontextprotocol/serverInfo":{"name":"s","version":"2"}}}})"
            "\n");
}

TEST_F(StatelessClientTest, RequestsLoseWhatOnlyItsVersionHas) {
  Begin();
  EXPECT_EQ(
      Client(R"({"jsonrpc":"2.0","id":2,"method":"tools/list","params":{)" +
             std::string(kMeta.substr(0, kMeta.size() - 1)) +
             R"(,"progressToken":9}}})"
             "\n"),
      R"({"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":{"progressToken":9}}})"
      "\n");
  EXPECT_EQ(Server(R"({"jsonrpc":"2.0","id":2,"result":{"tools":[]}})"
                   "\n"),
            R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","ttlMs":0,)"
            R"("cacheScope":"private","tools":[]}})"
            "\n");
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a")"));
  EXPECT_EQ(Server("{\"id\":3,\"result\":{}}\n"),
            "{\"id\":3,\"result\":{\"resultType\":\"complete\"}}\n");
  (void)Client(Stateless("4", "resources/read", R"(,"uri":"a:b")"));
  EXPECT_EQ(Server("{\"id\":4,\"error\":{\"code\":-32002,\"message\":\"none\"}}\n"),
            "{\"id\":4,\"error\":{\"code\":-32602,\"message\":\"none\"}}\n");
}

TEST_F(StatelessClientTest, ALongAnswerStreams) {
  Begin();
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a")"));
  const std::string text(300'000, 'x');
  std::string heard = Server(R"({"jsonrpc":"2.0","id":3,"result":{"t":")" + text);
  EXPECT_THAT(heard,
              StartsWith(R"({"jsonrpc":"2.0","id":3,"result":{"resultType":"complete","t":")"));
  EXPECT_GT(heard.size(), 300'000u);
  // What is said meanwhile waits for its end.
  EXPECT_EQ(Client(Stateless("4", "ping")), "");
  EXPECT_EQ(ToClient(), "");
  heard = Server("\"}}\n");
  EXPECT_THAT(heard, StartsWith("\"}}\n{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32601"));
}

// As the official library's servers say it.
TEST_F(StatelessClientTest, ALongAnswerStreamsWhereItsIdComesLast) {
  Begin();
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a")"));
  (void)Client(Stateless("4", "tools/call", R"(,"name":"b")"));
  const std::string text(300'000, 'x');
  EXPECT_THAT(Server(R"({"result":{"t":")" + text),
              StartsWith(R"({"result":{"resultType":"complete","t":")"));
  EXPECT_EQ(Server("\"},\"id\":4}\n"), "\"},\"id\":4}\n");
  EXPECT_EQ(Server("{\"id\":4,\"result\":{}}\n"), "") << "it has been answered";
  // Answers to these would say different things.
  (void)Client(Stateless("5", "tools/list"));
  EXPECT_EQ(Server(R"({"result":{"t":")" + text), "");
  EXPECT_THAT(Server("\"},\"id\":3}\n"), StartsWith(R"({"result":{"resultType":"complete","t":")"));
}

TEST_F(StatelessClientTest, WhatTheVersionHasNotIsRefused) {
  Begin();
  for (const char* method : {"ping", "initialize", "logging/setLevel", "resources/subscribe"}) {
    EXPECT_EQ(Client(Stateless("5", method)), "");
    EXPECT_THAT(ToClient(), StartsWith(R"({"jsonrpc":"2.0","id":5,"error":{"code":-32601)"));
  }
  EXPECT_EQ(Client("{\"id\":6,\"method\":\"tools/list\"}\n"), "");
  EXPECT_EQ(
      ToClient(),
      R"({"jsonrpc":"2.0","id":6,"error":{"code":-32022,"message":"read request: it does not )"
      R"(say its version","data":{"supported":["2026-07-28"],"requested":""}}})"
      "\n");
}

TEST_F(StatelessClientTest, AQuestionGoesIntoTheAnswerAndComesBack) {
  Begin();
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a","arguments":{"x":1})"));
  EXPECT_EQ(Server(R"({"id":77,"method":"elicitation/create","params":{"message":"Who?"}})"
                   "\n"),
            R"({"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{)"
            R"("answer":{"method":"elicitation/create","params":{"message":"Who?"}}},)"
            R"("requestState":"own-state-1"}})"
            "\n");
  // Another request's state, a guessed one, one for other arguments.
  for (const char* more : {R"(,"name":"a","arguments":{"x":2},"requestState":"own-state-1")",
                           R"(,"name":"a","arguments":{"x":1},"requestState":"own-state-2")"}) {
    EXPECT_EQ(Client(Stateless("4", "tools/call", more)), "");
    EXPECT_THAT(ToClient(), HasSubstr("its requestState is of no request that waits"));
  }
  EXPECT_EQ(Client(Stateless("5", "tools/call",
                             R"(,"name":"a","arguments":{"x":1},"requestState":"own-state-1",)"
                             R"("inputResponses":{"answer":{"action":"accept","content":{}}})")),
            R"({"jsonrpc":"2.0","id":77,"result":{"action":"accept","content":{}}})"
            "\n");
  EXPECT_EQ(Server("{\"id\":3,\"result\":{\"content\":[]}}\n"),
            "{\"id\":5,\"result\":{\"resultType\":\"complete\",\"content\":[]}}\n");
}

TEST_F(StatelessClientTest, AQuestionThatIsNobodysIsRefused) {
  Begin();
  (void)Server("{\"id\":7,\"method\":\"elicitation/create\",\"params\":{}}\n");
  EXPECT_THAT(ToServer(), HasSubstr("not exactly one is open"));
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a")"));
  (void)Server("{\"id\":8,\"method\":\"roots/list\"}\n");
  EXPECT_THAT(ToServer(), HasSubstr("does not say that it has roots"));
  (void)Client(Stateless("4", "tools/call", R"(,"name":"b")"));
  (void)Server("{\"id\":9,\"method\":\"elicitation/create\",\"params\":{}}\n");
  EXPECT_THAT(ToServer(), HasSubstr("not exactly one is open"));
  EXPECT_EQ(Server("{\"id\":10,\"method\":\"ping\"}\n"), "");
  EXPECT_EQ(ToServer(), "{\"jsonrpc\":\"2.0\",\"id\":10,\"result\":{}}\n");
}

TEST_F(StatelessClientTest, AClientThatDoesNotComeBackIsNotWaitedFor) {
  Begin();
  (void)Client(Stateless("3", "tools/call", R"(,"name":"a")"));
  (void)Server("{\"id\":77,\"method\":\"elicitation/create\",\"params\":{}}\n");
  ASSERT_TRUE(translator_.Deadline());
  translator_.Expire(*translator_.Deadline());
  EXPECT_THAT(ToServer(), HasSubstr("the client has not come back"));
  EXPECT_FALSE(translator_.Deadline());
}

TEST_F(StatelessClientTest, NoticesComeWhereTheyWereAskedFor) {
  Begin();
  const std::string changed = R"({"method":"notifications/tools/list_changed"})"
                              "\n";
  EXPECT_EQ(Server(changed), "");
  EXPECT_EQ(changed_, 1) << "the gateway hears of it all the same";
  EXPECT_EQ(Client(Stateless("9", "subscriptions/listen",
                             R"(,"notifications":{"toolsListChanged":true,)"
                             R"("promptsListChanged":true})")),
            "");
  EXPECT_EQ(ToClient(),
            R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{)"
            R"("_meta":{"io.modelcontextprotocol/subscriptionId":9},)"
            R"("notifications":{"toolsListChanged":true}}})"
            "\n");
  EXPECT_EQ(Server(changed),
            R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{)"
            R"("_meta":{"io.modelcontextprotocol/subscriptionId":9}}})"
            "\n");
  (void)Client(R"({"method":"notifications/cancelled","params":{"requestId":9}})"
               "\n");
  EXPECT_EQ(Server(changed), "");
  const std::string log = R"({"method":"notifications/message","params":{"level":"info"}})"
                          "\n";
  EXPECT_EQ(Server(log), "");
}

TEST_F(TranslatorTest, AServerThatSpeaksNothingKnownIsRefusedClearly) {
  (void)Client(Stateless("4", "tools/list"));
  (void)Server(R"({"id":"own-probe","error":{"code":-32601,"message":"no"}})"
               "\n");
  EXPECT_EQ(Server(R"({"id":"own-open","error":{"code":-1,"message":"neither"}})"
                   "\n"),
            R"({"jsonrpc":"2.0","id":4,"error":{"code":-32022,"message":"translate the request: )"
            R"(the server speaks neither 2026-07-28 nor a version with sessions: neither"}})"
            "\n");
}

TEST_F(TranslatorTest, AServerThatDoesNotAnswerTheProbeGetsASession) {
  (void)Client(Stateless("4", "tools/list"));
  translator_.Expire(*translator_.Deadline());
  EXPECT_THAT(ToServer(), HasSubstr("\"initialize\""));
}

// A client with a session, a server without any.

class SessionClientTest : public TranslatorTest {
 protected:
  void Begin(std::string_view capabilities = R"({"tools":{}})") {
    EXPECT_EQ(Client(hello_), hello_);
    EXPECT_EQ(Server(R"({"id":0,"error":{"code":-32022,"message":"no"}})"
                     "\n"),
              "");
    EXPECT_EQ(ToServer(),
              R"({"jsonrpc":"2.0","id":"own-probe","method":"server/discover","params":{"_meta":{)"
              R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
              R"("io.modelcontextprotocol/clientCapabilities":{},)"
              R"("io.modelcontextprotocol/clientInfo":{"name":"old","version":"1"}}}})"
              "\n");
    EXPECT_EQ(
        Server(R"({"id":"own-probe","result":{"resultType":"complete",)"
               R"("supportedVersions":["2026-07-28"],"capabilities":)" +
               std::string(capabilities) +
               R"(,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n"}}}})"
               "\n"),
        R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":)" +
            std::string(capabilities) +
            R"(,"serverInfo":{"name":"n"}}})"
            "\n");
  }
  const std::string hello_ =
      R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
      R"("capabilities":{"elicitation":{},"tasks":{}},"clientInfo":{"name":"old","version":"1"}}})"
      "\n";
  const std::string meta_ = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                            R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},)"
                            R"("io.modelcontextprotocol/clientInfo":{"name":"old","version":"1"})";
};

TEST_F(SessionClientTest, RequestsGetWhatTheVersionWants) {
  Begin();
  EXPECT_EQ(Client("{\"id\":1,\"method\":\"tools/list\"}\n"),
            "{\"params\":{" + meta_ + "}},\"id\":1,\"method\":\"tools/list\"}\n");
  EXPECT_EQ(Server("{\"id\":1,\"result\":{\"resultType\":\"complete\",\"tools\":[]}}\n"),
            "{\"id\":1,\"result\":{\"resultType\":\"complete\",\"tools\":[]}}\n");
  EXPECT_EQ(Client("{\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"}}\n"),
            "{\"id\":2,\"method\":\"tools/call\",\"params\":{" + meta_ + "},\"name\":\"a\"}}\n");
  EXPECT_EQ(Client("{\"id\":3,\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":5}}}\n"),
            "{\"id\":3,\"method\":\"x\",\"params\":{" + meta_ + ",\"progressToken\":5}}}\n");
}

TEST_F(SessionClientTest, WhatOnlySessionsHaveIsAnsweredHere) {
  Begin();
  EXPECT_EQ(Client("{\"id\":1,\"method\":\"ping\"}\n"), "");
  EXPECT_EQ(ToClient(), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
  EXPECT_EQ(Client(R"({"id":2,"method":"logging/setLevel","params":{"level":"debug"}})"
                   "\n"),
            "");
  (void)ToClient();
  EXPECT_THAT(Client("{\"id\":3,\"method\":\"tools/list\"}\n"),
              HasSubstr(R"("io.modelcontextprotocol/logLevel":"debug")"));
  EXPECT_EQ(Client("{\"id\":4,\"method\":\"initialize\"}\n"), "");
  EXPECT_THAT(ToClient(), HasSubstr("it has begun already"));
}

TEST_F(SessionClientTest, WhatTheAnswerAsksIsAskedOfTheClient) {
  Begin();
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"a"}})"
               "\n");
  EXPECT_EQ(Server(R"({"id":2,"result":{"resultType":"input_required","requestState":"s",)"
                   R"("inputRequests":{"who":{"method":"elicitation/create","params":{"m":1}}}}})"
                   "\n"),
            R"({"jsonrpc":"2.0","id":"own-1","method":"elicitation/create","params":{"m":1}})"
            "\n");
  EXPECT_EQ(Client(R"({"id":"own-1","result":{"action":"accept"}})"
                   "\n"),
            R"({"id":"own-2","method":"tools/call","params":{)" + meta_ +
                R"(},"inputResponses":{"who":{"action":"accept"}},"requestState":"s","name":"a"}})"
                "\n");
  EXPECT_EQ(Server("{\"id\":\"own-2\",\"result\":{\"content\":[]}}\n"),
            "{\"id\":2,\"result\":{\"content\":[]}}\n");
}

TEST_F(SessionClientTest, AClientThatRefusesEndsItsRequest) {
  Begin();
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"a"}})"
               "\n");
  (void)Server(R"({"id":2,"result":{"resultType":"input_required","inputRequests":{)"
               R"("a":{"method":"roots/list"},"b":{"method":"roots/list"}}}})"
               "\n");
  EXPECT_EQ(Client(R"({"id":"own-1","error":{"code":-1,"message":"never"}})"
                   "\n"),
            "");
  const std::string heard = ToClient();
  EXPECT_THAT(heard, HasSubstr("ask the client for \\\"a\\\": never"));
  EXPECT_THAT(heard, HasSubstr("notifications/cancelled"));
}

TEST_F(SessionClientTest, AServerThatAsksForEverIsStopped) {
  Begin();
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"a"}})"
               "\n");
  std::string heard =
      Server(R"({"id":2,"result":{"resultType":"input_required","requestState":"s"}})"
             "\n");
  for (int round = 1; round < 30 && heard.empty(); ++round) {
    heard = Server(R"({"id":"own-)" + std::to_string(round) +
                   R"(","result":{"resultType":"input_required","requestState":"s"}})"
                   "\n");
  }
  EXPECT_THAT(heard, HasSubstr("the server asks more than 16 times"));
}

TEST_F(SessionClientTest, ChangesOfListsAreSubscribedTo) {
  Begin(R"({"tools":{"listChanged":true},"resources":{"subscribe":true}})");
  EXPECT_THAT(Client("{\"method\":\"notifications/initialized\"}\n"),
              testing::AllOf(HasSubstr(R"("id":"own-1","method":"subscriptions/listen")"),
                             HasSubstr(R"("notifications":{"toolsListChanged":true})")));
  EXPECT_EQ(Server("{\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{}}\n"),
            "");
  const std::string changed = "{\"method\":\"notifications/tools/list_changed\"}\n";
  EXPECT_EQ(Server(changed), changed);
  EXPECT_EQ(changed_, 1);
  const std::string said =
      Client(R"({"id":4,"method":"resources/subscribe","params":{"uri":"a:b"}})"
             "\n");
  EXPECT_THAT(said, HasSubstr(R"("resourceSubscriptions":["a:b"])"));
  EXPECT_THAT(said, HasSubstr(R"("requestId":"own-1")"));
  EXPECT_EQ(ToClient(), "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}\n");
}

TEST_F(SessionClientTest, AServerThatRefusesBothSaysSoItself) {
  (void)Client(hello_);
  const std::string refusal = R"({"id":0, "error":{"code":-32602,"message":"no"}})"
                              "\n";
  EXPECT_EQ(Server(refusal), "");
  EXPECT_EQ(Server("{\"id\":\"own-probe\",\"error\":{\"code\":-32601,\"message\":\"\"}}\n"),
            refusal);
  EXPECT_TRUE(translator_.IsPassing());
}

TEST_F(SessionClientTest, ALongAnswerStreams) {
  Begin();
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"a"}})"
               "\n");
  const std::string begin = R"({"id":2,"result":{"content":[")" + std::string(200'000, 'x');
  EXPECT_EQ(Server(begin), begin);
  EXPECT_EQ(Server("\"]}}\n"), "\"]}}\n");
}

TEST_F(SessionClientTest, ALongAnswerStreamsWhereItsIdComesLast) {
  Begin();
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"a"}})"
               "\n");
  const std::string begin = R"({"result":{"content":[")" + std::string(200'000, 'x');
  EXPECT_EQ(Server(begin), begin);
  EXPECT_EQ(Server("\"]},\"id\":2}\n"), "\"]},\"id\":2}\n");
  EXPECT_EQ(Server("{\"id\":2,\"result\":{}}\n"), "");
}

}  // namespace
}  // namespace bailey::mcp
