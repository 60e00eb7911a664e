#include "review/plain.h"

#include <gtest/gtest.h>

namespace bailey::review {
namespace {

struct Row {
  std::string sentence, text, want;
};

TEST(Plain, ShowsWhatWouldAct) {
  const std::vector<Row> rows = {
      {"text of people stays", "grüße, 日本 🙂", "grüße, 日本 🙂"},
      {"line breaks become blanks", "a\nb\tc", "a b c"},
      {"escape sequences of terminals", "\x1b[31mred", "\ufffd[31mred"},
      {"control characters of the second set", "a\u0085b", "a\ufffdb"},
      {"marks that reorder text", "user\u202e\u2066// admin", "user\ufffd\ufffd// admin"},
      {"characters that are not seen", "a\u200bb\ufeff", "a\ufffdb\ufffd"},
      {"bytes that are no UTF-8", "a\xff\xc3(", "a\ufffd\ufffd("},
      {"an overlong form", "\xc0\xaf", "\ufffd\ufffd"},
      {"a surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
      {"a character that ends too early", "\xe6\x97", "\ufffd\ufffd"},
  };
  for (const Row& row : rows) EXPECT_EQ(Plain(row.text), row.want) << row.sentence;
  EXPECT_EQ(Plain("a\n\tb", Lines::kKeep), "a\n\tb");
}

TEST(MarkdownText, HasNoMarkup) {
  const std::vector<Row> rows = {
      {"plain words stay", "clone3 (x86_64): EPERM, 4.5%", "clone3 (x86\\_64): EPERM, 4.5%"},
      {"emphasis", "**bold** _it_ `code`", "\\*\\*bold\\*\\* \\_it\\_ \\`code\\`"},
      {"a link", "[approve](javascript:x)", "\\[approve\\](javascript:x)"},
      {"an image", "![](x)", "\\!\\[\\](x)"},
      {"an element", "<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"},
      {"an entity", "&lt;", "\\&lt;"},
      {"a mention", "@team", "\\@<!-- -->team"},
      {"a reference", "#12", "\\#<!-- -->12"},
      {"an address", "see https://a.example", "see https\\:<!-- -->//a.example"},
      {"an address without a scheme", "WWW.a.example", "WWW\\.a.example"},
      {"a formula", "$x$", "\\$x\\$"},
      {"lines that would begin a heading", "a\n# b", "a \\#<!-- --> b"},
  };
  for (const Row& row : rows) EXPECT_EQ(MarkdownText(row.text), row.want) << row.sentence;
}

TEST(MarkdownCode, CannotBeLeft) {
  const std::vector<Row> rows = {
      {"as it is", "a<b>", "`a<b>`"},
      {"a backtick inside", "a`b", "``a`b``"},
      {"backticks at the ends", "``", "``` `` ```"},
      {"a line break", "a\n\n# b", "`a  # b`"},
      {"nothing", "", "` `"},
      {"a blank in front", " a", "`  a `"},
  };
  for (const Row& row : rows) EXPECT_EQ(MarkdownCode(row.text), row.want) << row.sentence;
  EXPECT_EQ(MarkdownBlock("a\n```\n# b", "toml"), "````toml\na\n```\n# b\n````\n");
  EXPECT_EQ(MarkdownBlock("", ""), "```\n```\n");
}

TEST(HtmlText, HasNoElement) {
  EXPECT_EQ(HtmlText("<script>\"'&\n"), "&lt;script&gt;&quot;&#39;&amp; ");
  EXPECT_EQ(HtmlText("a\nb", Lines::kKeep), "a\nb");
}

TEST(PercentEncoded, IsAPartOfAUri) {
  EXPECT_EQ(PercentEncoded("src/a b#1?%.c"), "src/a%20b%231%3F%25.c");
  EXPECT_EQ(PercentEncoded("ü"), "%C3%BC");
}

}  // namespace
}  // namespace bailey::review
