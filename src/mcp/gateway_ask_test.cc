#include <gtest/gtest.h>

#include "mcp/elicitation.h"
#include "mcp/gateway.h"

namespace bailey::mcp {
namespace {

constexpr std::string_view kList =
    R"({"id":"own-1","result":{"tools":[{"name":"run","inputSchema":{}}]}})"
    "\n";
constexpr std::string_view kCall =
    R"({"id":1,"method":"tools/call","params":{"name":"run","arguments":{"a":1}}})"
    "\n";
constexpr std::string_view kStatelessMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}})";

class Asking : public ::testing::Test {
 protected:
  Asking()
      : gateway_({.own = "own-"}, [](const Tool&) -> std::optional<std::string> { return {}; }) {
    gateway_.SetCheckCall([this](const Call&) {
      ++asked_;
      return Verdict{std::nullopt, "may it \"run\"?", asked_};
    });
    gateway_.SetAsking(
        [this](std::uint64_t number,
               std::optional<std::string_view> answer) -> std::optional<std::string> {
          answers_ += std::to_string(number) + std::string(answer.value_or("nobody")) + ";";
          if (answer == "once") return std::nullopt;
          return "it was denied";
        },
        "srv", std::chrono::seconds(60));
  }
  void Begin(std::string_view capabilities = R"({"elicitation":{}})") {
    gateway_.FromClient(R"({"id":0,"method":"initialize","params":{"capabilities":)" +
                        std::string(capabilities) + "}}\n");
    gateway_.FromServer("{\"id\":0,\"result\":{}}\n");
    gateway_.FromClient(kCall);
    gateway_.FromServer(kList);
    (void)std::exchange(gateway_.ToServer(), {});
    heard_ = std::exchange(gateway_.ToClient(), {});
  }
  std::string FromClient(std::string_view text) {
    gateway_.FromClient(text);
    return std::exchange(gateway_.ToClient(), {});
  }
  std::string ToServer() { return std::exchange(gateway_.ToServer(), {}); }

  Gateway gateway_;
  std::uint64_t asked_ = 0;
  std::string answers_, heard_;
};

TEST_F(Asking, TheClientIsAskedAndACallIsMadeAfterAYes) {
  Begin();
  EXPECT_NE(heard_.find(R"("id":"own-ask-1","method":"elicitation/create")"), std::string::npos);
  EXPECT_NE(heard_.find(R"(may it \"run\"?)"), std::string::npos);
  EXPECT_EQ(
      FromClient(R"({"id":"own-ask-1","result":{"action":"accept","content":{"answer":"once"}}})"
                 "\n"),
      "");
  EXPECT_EQ(ToServer(), kCall);
  EXPECT_EQ(answers_, "1once;");
  gateway_.FromServer("{\"id\":1,\"result\":{}}\n");
  EXPECT_EQ(FromClient(""), "{\"id\":1,\"result\":{}}\n");
}

TEST_F(Asking, EverythingElseIsANo) {
  for (const std::string_view answer :
       {R"("result":{"action":"accept","content":{"answer":"always"}})",
        R"("result":{"action":"accept"})", R"("result":{"action":"decline"})",
        R"("result":{"action":"cancel","content":{"answer":"once"}})", R"("result":{})",
        R"("result":{"action":"accept","content":{"answer":"once","answer":"deny"}})",
        R"("error":{"code":1,"message":"no"})"}) {
    if (asked_ == 0)
      Begin();
    else
      FromClient(kCall);
    const std::string heard = FromClient(R"({"id":"own-ask-)" + std::to_string(asked_) + R"(",)" +
                                         std::string(answer) + "}\n");
    EXPECT_NE(heard.find("it was denied"), std::string::npos) << answer;
    EXPECT_EQ(ToServer(), "") << answer;
    EXPECT_FALSE(gateway_.HasUnanswered());
  }
}

TEST_F(Asking, AClientWithoutFormsIsNotAsked) {
  Begin(R"({"elicitation":{"url":{}}})");
  EXPECT_NE(heard_.find("the client shows no questions"), std::string::npos);
  EXPECT_EQ(answers_, "1nobody;");
}

TEST_F(Asking, NobodyAnswersInTime) {
  Begin();
  EXPECT_TRUE(gateway_.Deadline());
  gateway_.Expire(*gateway_.Deadline());
  const std::string heard = FromClient("");
  EXPECT_NE(heard.find(R"("notifications/cancelled","params":{"requestId":"own-ask-1")"),
            std::string::npos);
  EXPECT_NE(heard.find("it was denied"), std::string::npos);
  EXPECT_FALSE(gateway_.Deadline());
}

TEST_F(Asking, AServerCannotSpeakAsTheGateway) {
  Begin();
  gateway_.FromServer(R"({"id":"own-ask-1","method":"elicitation/create","params":{"message":"x"}})"
                      "\n");
  EXPECT_EQ(FromClient(""), "");
  EXPECT_NE(ToServer().find("its id is in use"), std::string::npos);
  gateway_.FromServer(
      R"({"id":"q","method":"elicitation/create","params":{"message":"bailey asks"}})"
      "\n");
  EXPECT_EQ(FromClient(""), R"({"id":"q","method":"elicitation/create","params":{"message":)"
                            R"("The server srv asks (this is not bailey): bailey asks"}})"
                            "\n");
  EXPECT_EQ(answers_, "");
}

TEST_F(Asking, AToolThatChangesMeanwhileIsNotCalled) {
  Begin();
  gateway_.FromServer(R"({"method":"notifications/tools/list_changed"})"
                      "\n");
  const std::string heard =
      FromClient(R"({"id":"own-ask-1","result":{"action":"accept","content":{"answer":"once"}}})"
                 "\n");
  EXPECT_NE(heard.find("have changed meanwhile"), std::string::npos);
  EXPECT_EQ(ToServer(), "");
}

TEST_F(Asking, WithoutASessionTheCallComesAgain) {
  const std::string meta(kStatelessMeta);
  const std::string first =
      R"({"id":1,"method":"tools/call","params":{"name":"run","arguments":{"a":1},)" + meta +
      "}}\n";
  gateway_.FromClient(first);
  gateway_.FromServer(kList);
  (void)ToServer();
  const std::string heard = FromClient("");
  EXPECT_NE(heard.find(R"("resultType":"input_required")"), std::string::npos);
  EXPECT_NE(heard.find(R"("requestState":"own-ask-1")"), std::string::npos);
  const auto again = [&](std::string_view id, std::string_view arguments, std::string_view answer) {
    return R"({"id":)" + std::string(id) +
           R"(,"method":"tools/call","params":{"name":"run","arguments":)" +
           std::string(arguments) +
           R"(,"requestState":"own-ask-1","inputResponses":{"bailey-approval":)" +
           std::string(answer) + "}," + meta + "}}\n";
  };
  constexpr std::string_view kYes = R"({"action":"accept","content":{"answer":"once"}})";
  EXPECT_EQ(FromClient(again("2", R"({"a":1})", kYes)), "");
  EXPECT_EQ(
      ToServer(),
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"run","arguments":{"a":1},)" +
          meta + "}}\n");
  // An answer is good once.
  EXPECT_NE(FromClient(again("3", R"({"a":1})", kYes)).find("input_required"), std::string::npos);
}

TEST_F(Asking, WithoutASessionAnotherCallIsNotTheOneThatWasAskedAbout) {
  const std::string meta(kStatelessMeta);
  gateway_.FromClient(
      R"({"id":1,"method":"tools/call","params":{"name":"run","arguments":{"a":1},)" + meta +
      "}}\n");
  gateway_.FromServer(kList);
  (void)FromClient("");
  const std::string heard = FromClient(
      R"({"id":2,"method":"tools/call","params":{"name":"run","arguments":{"a":2},"requestState":)"
      R"("own-ask-1","inputResponses":{"bailey-approval":{"action":"accept","content":{"answer":"once"}}},)" +
      meta + "}}\n");
  EXPECT_NE(heard.find("it was denied"), std::string::npos);
}

}  // namespace
}  // namespace bailey::mcp
