#include "mcp/client_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::mcp {
namespace {

constexpr std::string_view kDesktop = R"({
    "theme": "dark",
    "mcpServers": {
        "files": {
            "command": "npx",
            "args": [
                "-y",
                "server-files",
                "--",
                "."
            ],
            "env": {
                "TOKEN": "s3cret"
            }
        },
        "docs": {
            "url": "https://docs.example.org/mcp"
        }
    }
}
)";

TEST(ClientConfig, GoesThroughBaileyAndBack) {
  const auto wrapped = RewriteConfig(kDesktop, "c.json", {"/usr/bin/bailey", {"--policy", "npx"}});
  ASSERT_TRUE(wrapped) << wrapped.error().text;
  EXPECT_THAT(wrapped->changed, testing::ElementsAre("files"));
  EXPECT_THAT(wrapped->unchanged, testing::ElementsAre("docs: no command starts it"));
  EXPECT_EQ(wrapped->text, R"({
    "theme": "dark",
    "mcpServers": {
        "files": {
            "command": "/usr/bin/bailey",
            "args": [
                "mcp",
                "wrap",
                "--name",
                "files",
                "--policy",
                "npx",
                "--env",
                "TOKEN",
                "--",
                "npx",
                "-y",
                "server-files",
                "--",
                "."
            ],
            "env": {
                "TOKEN": "s3cret"
            }
        },
        "docs": {
            "url": "https://docs.example.org/mcp"
        }
    }
}
)");
  const auto again = RewriteConfig(wrapped->text, "c.json", {.bailey = "bailey"});
  ASSERT_TRUE(again);
  EXPECT_THAT(again->unchanged, testing::Contains("files: it goes through bailey already"));
  const auto back = RewriteConfig(wrapped->text, "c.json", {.undo = true});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text, kDesktop);
}

TEST(ClientConfig, KnowsTheFormats) {
  for (const char* text :
       {R"({"servers":{"a":{"type":"stdio","command":"x","args":[]}}})",
        R"({"mcp":{"servers":{"a":{"command":"x","args":[]}}}})",
        R"({"projects":{"/p":{"mcpServers":{"a":{"command":"x","args":[]}}}}})"}) {
    const auto wrapped = RewriteConfig(text, "c.json", {.bailey = "bailey"});
    ASSERT_TRUE(wrapped) << text;
    EXPECT_THAT(wrapped->changed, testing::ElementsAre("a")) << text;
    const auto back = RewriteConfig(wrapped->text, "c.json", {.undo = true});
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->text, text);
  }
}

TEST(ClientConfig, SaysWhatItCannotRewrite) {
  struct {
    const char* text;
    const char* error;
  } const rows[] = {
      {"{", "rewrite c.json: it is no JSON"},
      {"{} // mine", "rewrite c.json: it has comments, which would be lost: take them out"},
      {R"({"mcpServers":[]})", "rewrite c.json: it has neither \"mcpServers\" nor \"servers\""},
  };
  for (const auto& row : rows) {
    const auto wrapped = RewriteConfig(row.text, "c.json", {.bailey = "bailey"});
    ASSERT_FALSE(wrapped) << row.text;
    EXPECT_EQ(wrapped.error().text, row.error);
  }
  const auto odd = RewriteConfig(
      R"({"mcpServers":{"a":7,"b":{"command":["x"]},"c":{"command":"x","args":[1]},"d":{"command":"x","env":3}}})",
      "c.json", {.bailey = "bailey"});
  ASSERT_TRUE(odd);
  EXPECT_THAT(odd->changed, testing::IsEmpty());
  EXPECT_EQ(odd->unchanged.size(), 4u);
}

}  // namespace
}  // namespace bailey::mcp
