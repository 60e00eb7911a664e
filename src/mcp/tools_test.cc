#include "mcp/tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::mcp {
namespace {

constexpr std::string_view kList =
    R"({"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"a","description":"A"} ,{"description":"B","name":"b"}],"nextCursor":"p2"}})";

TEST(Tools, AreReadWithTheirWholeDefinition) {
  const auto list = ReadTools(kList);
  ASSERT_TRUE(list && *list);
  ASSERT_EQ((*list)->tools.size(), 2u);
  EXPECT_EQ((*list)->tools[0].name, "a");
  EXPECT_EQ((*list)->tools[1].definition, R"({"description":"B","name":"b"})");
  EXPECT_EQ((*list)->cursor, "p2");
}

TEST(Tools, AreTakenOutAndTheRestStays) {
  const auto list = ReadTools(kList);
  ASSERT_TRUE(list && *list);
  EXPECT_EQ(
      WithoutTools(kList, {(*list)->tools[0].range}),
      R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"description":"B","name":"b"}],"nextCursor":"p2"}})");
  EXPECT_THAT(WithoutTools(kList, {(*list)->tools[0].range, (*list)->tools[1].range}),
              testing::HasSubstr(R"("tools":[],)"));
}

TEST(Tools, ThatTwoReadersCouldReadDifferentlyAreErrors) {
  struct {
    const char* message;
    const char* error;
  } const rows[] = {
      {R"({"result":{"tools":[],"tools":[]}})",
       "read list of tools: \"tools\" comes twice, or with capitals"},
      {R"({"result":{"Tools":[{"name":"a"}]}})",
       "read list of tools: \"tools\" comes twice, or with capitals"},
      {R"({"result":{"tools":{}}})", "read list of tools: \"tools\" is no array"},
      {R"({"result":{"tools":[{"name":"a","Name":"b"}]}})",
       "read list of tools: a tool has no name, or more than one"},
      {R"({"result":{"tools":[{"name":7}]}})",
       "read list of tools: a tool has no name, or more than one"},
      {R"({"result":{"tools":[7]}})", "read list of tools: a tool has no name, or more than one"},
      {R"({"result":{"tools":[{"name":"a"},{"n\u0061me":"\u0061"}]}})",
       "read list of tools: two tools are called \"a\""},
      {R"({"result":{"tools":[{"name":"a","inputSchema":{"x":1,"x":2}}]}})",
       "read list of tools: the definition of \"a\" has a name twice, or is no Unicode"},
  };
  for (const auto& row : rows) {
    const auto list = ReadTools(row.message);
    ASSERT_FALSE(list) << row.message;
    EXPECT_EQ(list.error().text, row.error) << row.message;
  }
}

TEST(Tools, AreNotInOtherAnswers) {
  for (const char* message : {R"({"id":1,"error":{"code":1}})", R"({"id":1,"result":{}})"}) {
    const auto list = ReadTools(message);
    ASSERT_TRUE(list) << message;
    EXPECT_FALSE(*list) << message;
  }
}

TEST(Calls, AreRead) {
  const auto call = ReadCall(
      R"({"id":1,"method":"tools/call","params":{"name":"r\u0075n","arguments":{"argv":["id"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->tool, "run");
  EXPECT_EQ(call->arguments, R"({"argv":["id"]})");
  EXPECT_TRUE(call->IsStateless());
}

TEST(Calls, ThatTwoReadersCouldReadDifferentlyAreErrors) {
  for (const char* message :
       {R"({"params":{"name":"a","name":"b"}})", R"({"params":{"name":"a","NAME":"b"}})",
        R"({"params":{"arguments":{}}})", R"({})", R"({"params":[]})"}) {
    const auto call = ReadCall(message);
    ASSERT_FALSE(call) << message;
    EXPECT_EQ(call.error().text, "read call of a tool: it names none, or more than one");
  }
  const auto call = ReadCall(R"({"params":{"name":"a","arguments":{"path":"x","path":"y"}}})");
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().text, "read call of a tool: a name comes twice in its arguments");
}

}  // namespace
}  // namespace bailey::mcp
