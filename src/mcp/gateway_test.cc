#include "mcp/gateway.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bailey::mcp {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kListAnswer =
    R"({{"jsonrpc":"2.0","id":{},"result":{{"tools":[{{"name":"good"}},{{"name":"bad"}}]}}}})"
    "\n";

// "bad" is a tool whose definition has changed.
class GatewayTest : public testing::Test {
 protected:
  explicit GatewayTest(GatewayOptions options = {})
      : gateway_(options, [](const Tool& tool) -> std::optional<std::string> {
          if (tool.name == "bad") return "it has changed";
          return std::nullopt;
        }) {}

  std::string Client(std::string_view bytes) {
    gateway_.FromClient(bytes);
    return std::exchange(gateway_.ToServer(), {});
  }
  std::string Server(std::string_view bytes) {
    gateway_.FromServer(bytes);
    return std::exchange(gateway_.ToClient(), {});
  }
  std::string Reply() { return std::exchange(gateway_.ToClient(), {}); }

  Gateway gateway_;
};

TEST_F(GatewayTest, PassesBytesAsTheyAre) {
  const std::string request = "{ \"jsonrpc\":\"2.0\",\"id\": 1,\"method\":\"x\\/y\"} \r\n";
  EXPECT_EQ(Client(request), request);
  const std::string answer = "{\"id\":1 , \"result\" : {\"t\":\"\\u00e9\xc3\xa9\"}}\n";
  EXPECT_EQ(Server(answer), answer);
  const std::string notification = "{\"method\":\"notifications/message\",\"params\":{}}\n";
  EXPECT_EQ(Server(notification), notification);
  const std::string asked = "{\"id\":1,\"method\":\"roots/list\"}\n";
  EXPECT_EQ(Server(asked), asked);
  const std::string answered = "{\"id\":1,\"result\":{\"roots\":[]}}\n";
  EXPECT_EQ(Client(answered), answered);
  EXPECT_FALSE(gateway_.HasUnanswered());
}

TEST_F(GatewayTest, RefusesWhatIsNoMessage) {
  EXPECT_EQ(Client("nonsense\n"), "");
  EXPECT_EQ(
      Reply(),
      R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"read request: it is no JSON object"}})"
      "\n");
  EXPECT_EQ(Client("{\"id\":3,\"method\":\"a\",\"method\":\"b\"}\n"), "");
  EXPECT_THAT(Reply(), StartsWith(R"({"jsonrpc":"2.0","id":3,"error":{"code":-32700)"));
  EXPECT_EQ(Client("{\"id\":4,\"method\":\"a\",\"result\":{}}\n"), "");
  EXPECT_THAT(Reply(), HasSubstr("it is an answer as well"));
  EXPECT_EQ(Client("{\"id\":5,\"method\":\"a\"}\n{\"id\":5,\"method\":\"a\"}\n"),
            "{\"id\":5,\"method\":\"a\"}\n");
  EXPECT_THAT(Reply(), HasSubstr("its id is in use"));
}

TEST_F(GatewayTest, SaysNothingInTheMiddleOfAnAnswer) {
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  EXPECT_NE(Server("{\"id\":1,\"result\":{\"t\":\"" + std::string(100'000, 'x')), "");
  EXPECT_EQ(Client("nonsense\n"), "");
  EXPECT_EQ(Reply(), "");
  EXPECT_THAT(Server("\"}}\n"), StartsWith("\"}}\n{\"jsonrpc\":\"2.0\",\"id\":null,\"error\""));
}

TEST_F(GatewayTest, DropsWhatNobodyAsked) {
  EXPECT_EQ(Server("{\"id\":9,\"result\":{}}\n"), "");
  EXPECT_EQ(Client("{\"id\":1,\"method\":\"a\"}\n"), "{\"id\":1,\"method\":\"a\"}\n");
  EXPECT_EQ(Server("{\"id\":\"1\",\"result\":{}}\n"), "");
  EXPECT_EQ(Server("{\"id\":1.0,\"result\":{}}\n"), "");
  EXPECT_EQ(Server("{\"id\":1,\"result\":{}}\n"), "{\"id\":1,\"result\":{}}\n");
  EXPECT_EQ(Server("{\"id\":1,\"result\":{}}\n"), "") << "the second answer";
  EXPECT_THAT(gateway_.TakeNotes(),
              testing::Contains("dropped an answer to nothing that was asked"));
}

TEST_F(GatewayTest, TakesChangedToolsOutOfTheList) {
  (void)Client("{\"id\":1,\"method\":\"tools/list\"}\n");
  EXPECT_EQ(Server(fmt::format(kListAnswer, 1)),
            R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"good"}]}})"
            "\n");
  const std::string call = R"({"id":2,"method":"tools/call","params":{"name":"good"}})"
                           "\n";
  EXPECT_EQ(Client(call), call);
  EXPECT_EQ(Client(R"({"id":3,"method":"tools/call","params":{"name":"bad"}})"
                   "\n"),
            "");
  EXPECT_EQ(
      Reply(),
      R"({"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"call tool \"bad\": it has changed"}],"isError":true}})"
      "\n");
}

TEST_F(GatewayTest, ListsBeforeACallOfAToolThatItDoesNotKnow) {
  const std::string call = R"({"id":2,"method":"tools/call","params":{"name":"good"}})"
                           "\n";
  EXPECT_EQ(Client(call),
            R"({"jsonrpc":"2.0","id":"bailey-list-1","method":"tools/list","params":{}})"
            "\n");
  EXPECT_EQ(Server(fmt::format(kListAnswer, "\"bailey-list-1\"")), "")
      << "the client asked no list";
  EXPECT_EQ(std::exchange(gateway_.ToServer(), {}), call);
  EXPECT_EQ(Client(R"({"id":3,"method":"tools/call","params":{"name":"none"}})"
                   "\n"),
            "");
  EXPECT_THAT(Reply(), HasSubstr("call tool \\\"none\\\": the server lists no such tool"));
  // A list that has changed is read anew before the next call.
  EXPECT_THAT(Server("{\"method\":\"notifications/tools/list_changed\"}\n"), HasSubstr("changed"));
  EXPECT_THAT(Client(R"({"id":4,"method":"tools/call","params":{"name":"good"}})"
                     "\n"),
              HasSubstr("bailey-list-2"));
}

TEST_F(GatewayTest, ListsPageAfterPage) {
  (void)Client(R"({"id":2,"method":"tools/call","params":{"name":"good","_meta":{"k":1}}})"
               "\n");
  gateway_.FromServer(R"({"id":"bailey-list-1","result":{"tools":[],"nextCursor":"two"}})"
                      "\n");
  EXPECT_EQ(
      std::exchange(gateway_.ToServer(), {}),
      R"({"jsonrpc":"2.0","id":"bailey-list-2","method":"tools/list","params":{"_meta":{"k":1},"cursor":"two"}})"
      "\n");
  gateway_.FromServer(fmt::format(kListAnswer, "\"bailey-list-2\""));
  EXPECT_THAT(gateway_.ToServer(), HasSubstr("tools/call"));
}

TEST_F(GatewayTest, RefusesAListThatCannotBeReadOneWayOnly) {
  (void)Client("{\"id\":1,\"method\":\"tools/list\"}\n");
  EXPECT_THAT(Server(R"({"id":1,"result":{"tools":[{"name":"a"},{"name":"a"}]}})"
                     "\n"),
              HasSubstr("two tools are called"));
}

class SmallGatewayTest : public GatewayTest {
 protected:
  SmallGatewayTest()
      : GatewayTest({.held = 2000, .passed = 10'000, .window = 100, .unanswered = 3}) {}
  static std::string Answer(int id, std::size_t size) {
    return fmt::format("{{\"id\":{},\"result\":{{\"t\":\"{}\"}}}}\n", id, std::string(size, 'x'));
  }
  static std::string LateAnswer(int id, std::size_t size) {
    return fmt::format("{{\"result\":{{\"t\":\"{}\"}},\"id\":{}}}\n", std::string(size, 'x'), id);
  }
};

TEST_F(SmallGatewayTest, PassesLongAnswersOnAsTheyCome) {
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  const std::string answer = Answer(1, 5000);
  EXPECT_EQ(Server(answer.substr(0, 200)), answer.substr(0, 200)) << "not held";
  EXPECT_EQ(Server(answer.substr(200)), answer.substr(200));
  (void)Client("{\"id\":2,\"method\":\"a\"}\n");
  EXPECT_EQ(Server(LateAnswer(2, 5000)), LateAnswer(2, 5000));
  EXPECT_FALSE(gateway_.HasUnanswered());
}

TEST_F(SmallGatewayTest, CutsAnAnswerThatTurnsOutToBeAtFault) {
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  const std::string begun = Answer(1, 500).substr(0, 300);
  EXPECT_EQ(Server(begun), begun);
  const std::string rest = Server("\xff\"}}\n");
  EXPECT_EQ(rest,
            "\n{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"read the "
            "server's answer: it is no UTF-8\"}}\n");
}

TEST_F(SmallGatewayTest, CutsWhatIsTooLong) {
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  gateway_.FromServer("{\"id\":1,\"result\":\"");
  for (int i = 0; i < 2000; ++i) gateway_.FromServer(std::string(100, 'y'));
  EXPECT_LT(gateway_.ToClient().size(), 11'000u);
  EXPECT_THAT(Reply(), HasSubstr("it is longer than 10000 bytes"));
  (void)Server("\"}\n");
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  EXPECT_EQ(Server(Answer(1, 5)), Answer(1, 5)) << "it goes on";
}

TEST_F(SmallGatewayTest, CutsALateIdThatIsNotAwaited) {
  const std::string late = LateAnswer(7, 3000);
  std::string passed = Server(late.substr(0, 2000));
  passed += Server(late.substr(2000));
  EXPECT_EQ(passed.find("\"id\":7"), std::string::npos);
  EXPECT_THAT(passed, testing::EndsWith("x\n"));
  // Where a list is awaited, an answer that does not say yet what it answers is held.
  (void)Client("{\"id\":8,\"method\":\"tools/list\"}\n");
  EXPECT_EQ(Server("{\"result\":{\"tools\":[{\"name\":\"bad\",\"description\":\"" +
                   std::string(1000, 'z') + "\"}]},\"id\":"),
            "");
  EXPECT_EQ(Server("8}\n"), "{\"result\":{\"tools\":[]},\"id\":8}\n");
}

TEST_F(SmallGatewayTest, HoldsOnlySoMuch) {
  const std::string big(3000, 'q');
  EXPECT_EQ(Client("{\"id\":1,\"method\":\""
                   "a\",\"params\":{\"t\":\"" +
                   big + "\"}}\n"),
            "");
  EXPECT_EQ(
      Reply(),
      R"({"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"pass on the request: it is longer than 2000 bytes"}})"
      "\n");
  (void)Client("{\"id\":1,\"method\":\"tools/list\"}\n");
  EXPECT_THAT(Server("{\"id\":1,\"result\":{\"tools\":\"" + big + "\"}}\n"),
              HasSubstr("pass on the message: it is longer than 2000 bytes"));
  gateway_.FromServer("{\"id\":5,\"method\":\"sampling/createMessage\",\"params\":\"" + big +
                      "\"}\n");
  EXPECT_EQ(gateway_.ToClient(), "");
  EXPECT_THAT(gateway_.ToServer(), StartsWith(R"({"jsonrpc":"2.0","id":5,"error")"));
}

TEST_F(SmallGatewayTest, BoundsWhatIsUnanswered) {
  for (int id = 1; id <= 3; ++id) (void)Client(fmt::format("{{\"id\":{},\"method\":\"a\"}}\n", id));
  EXPECT_EQ(Client("{\"id\":4,\"method\":\"a\"}\n"), "");
  EXPECT_THAT(Reply(), HasSubstr("3 wait for their answers already"));
  (void)Client(R"({"method":"notifications/cancelled","params":{"requestId":2}})"
               "\n");
  EXPECT_EQ(Client("{\"id\":4,\"method\":\"a\"}\n"), "{\"id\":4,\"method\":\"a\"}\n");
}

TEST_F(SmallGatewayTest, AnswersForAServerThatIsGone) {
  (void)Client("{\"id\":1,\"method\":\"a\"}\n");
  (void)Client(R"({"id":"two","method":"tools/call","params":{"name":"good"}})"
               "\n");
  (void)Server(Answer(1, 500).substr(0, 300));
  gateway_.ServerEnded("signal 9");
  EXPECT_EQ(
      Reply(),
      "\n"
      R"({"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"wait for the server: it has ended: signal 9"}})"
      "\n"
      R"({"jsonrpc":"2.0","id":"two","error":{"code":-32000,"message":"wait for the server: it has ended: signal 9"}})"
      "\n");
}

// However the bytes are cut into reads, the same is passed on.
TEST_F(SmallGatewayTest, DoesNotDependOnReads) {
  const std::string client = "{\"id\":1,\"method\":\"a\"}\n{\"id\":2,\"method\":\"tools/list\"}\n";
  const std::string server = Answer(1, 90) + fmt::format(kListAnswer, 2) + Answer(1, 5);
  std::set<std::string> outcomes;
  for (std::size_t piece = 1; piece < 120; ++piece) {
    Gateway gateway({.held = 2000, .window = 100}, [](const Tool&) { return std::nullopt; });
    gateway.FromClient(client);
    for (std::size_t at = 0; at < server.size(); at += piece)
      gateway.FromServer(std::string_view(server).substr(at, piece));
    outcomes.insert(gateway.ToClient());
  }
  EXPECT_THAT(outcomes, testing::ElementsAre(Answer(1, 90) + fmt::format(kListAnswer, 2)));
}

}  // namespace
}  // namespace bailey::mcp
