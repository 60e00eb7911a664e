#include "review/source_lex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bailey::review {
namespace {

using testing::ElementsAre;

std::vector<std::string> Kinds(const std::string& text, const std::string& path) {
  static constexpr const char* kNames[] = {"name",    "number",      "string",    "character",
                                           "comment", "punctuation", "directive", "lifetime"};
  const auto file = Lex(text, path);
  if (!file) return {base::ToString(file.error())};
  std::vector<std::string> list;
  for (const Token& token : file->tokens) {
    list.push_back(std::string(kNames[static_cast<int>(token.kind)]) + ' ' +
                   std::string(token.text));
  }
  return list;
}

TEST(Lex, C) {
  EXPECT_THAT(Kinds("int a = 0x1eu+1; // b\n", "a.c"),
              ElementsAre("name int", "name a", "punctuation =", "number 0x1eu", "punctuation +",
                          "number 1", "punctuation ;", "comment // b"));
  EXPECT_THAT(Kinds("f(\"a\\\"b//\", '\\'', L\"c\")", "a.c"),
              ElementsAre("name f", "punctuation (", "string \"a\\\"b//\"", "punctuation ,",
                          "character '\\''", "punctuation ,", "string L\"c\"", "punctuation )"));
  EXPECT_THAT(Kinds("a->b >>= ...", "a.c"), ElementsAre("name a", "punctuation ->", "name b",
                                                        "punctuation >>=", "punctuation ..."));
}

TEST(Lex, DirectivesAreOneTokenAndLeftOutCodeIsAComment) {
  EXPECT_THAT(Kinds("#define A(x) \\\n  f(x)\nb", "a.c"),
              ElementsAre("directive #define A(x) \\\n  f(x)", "name b"));
  EXPECT_THAT(Kinds("#if 0\ndon't\n#if X\n#endif\n#else\na\n#endif", "a.c"),
              ElementsAre("directive #if 0", "comment \ndon't\n#if X\n#endif\n", "directive #else",
                          "name a", "directive #endif"));
  EXPECT_THAT(Kinds("#error don't /* a\n b */ c\n#x", "a.c"),
              ElementsAre("directive #error don't /* a\n b */ c", "directive #x"));
  EXPECT_THAT(Kinds("a # b", "a.c"), ElementsAre("name a", "punctuation #", "name b"));
}

TEST(Lex, ContinuedLines) {
  EXPECT_THAT(Kinds("// a \\\n b\nc", "a.c"), ElementsAre("comment // a \\\n b", "name c"));
  EXPECT_THAT(Kinds("\"a\\\nb\" \\\n c", "a.c"), ElementsAre("string \"a\\\nb\"", "name c"));
}

TEST(Lex, Cxx) {
  EXPECT_THAT(Kinds("R\"x(a)\" \")x\" b", "a.cc"),
              ElementsAre("string R\"x(a)\" \")x\"", "name b"));
  EXPECT_THAT(Kinds("1'000'000 u8'a'", "a.hpp"),
              ElementsAre("number 1'000'000", "character u8'a'"));
  // C has no raw strings.
  EXPECT_THAT(Kinds("R\"(\" b", "a.c"), ElementsAre("name R", "string \"(\"", "name b"));
}

TEST(Lex, Rust) {
  EXPECT_THAT(Kinds("/* a /* b */ c */ fn f<'a>(x: &'a u8) -> char { 'x' }", "a.rs"),
              testing::AllOf(testing::Contains("comment /* a /* b */ c */"),
                             testing::Contains("lifetime 'a").Times(2),
                             testing::Contains("character 'x'")));
  EXPECT_THAT(
      Kinds("r#\"a\"b\"# b\"c\" br##\"\"#\"## '\\u{41}' '\u00e4' b'\\'' r#fn", "a.rs"),
      ElementsAre("string r#\"a\"b\"#", "string b\"c\"", "string br##\"\"#\"##",
                  "character '\\u{41}'", "character '\u00e4'", "character b'\\''", "name r#fn"));
  EXPECT_THAT(Kinds("0..10 1.5e-3 1.max(2) '_", "a.rs"),
              ElementsAre("number 0", "punctuation ..", "number 10", "number 1.5e-3", "number 1",
                          "punctuation .", "name max", "punctuation (", "number 2", "punctuation )",
                          "lifetime '_"));
}

TEST(Lex, PlacesAreCountedInBytes) {
  const auto file = Lex("\xef\xbb\xbf\xc3\xa4 a\n\tb", "a.c");
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(file->tokens.size(), 3u);
  EXPECT_EQ(file->tokens[1].line, 1);
  EXPECT_EQ(file->tokens[1].column, 7);
  EXPECT_EQ(file->tokens[2].line, 2);
  EXPECT_EQ(file->tokens[2].column, 2);
}

TEST(Lex, MalformedSourceIsOneError) {
  const struct {
    std::string sentence, text, path, want;
  } rows[] = {
      {"a comment", "int a;\n  /* b\n", "a.c", "a.c:2:3: read source: the comment does not end"},
      {"a nested comment", "/* /* */", "a.rs", "a.rs:1:1: read source: the comment does not end"},
      {"a string", "f(\"a\n)", "a.c", "a.c:1:3: read source: the string does not end"},
      {"a string of Rust", "f(\"a\n)", "a.rs", "a.rs:1:3: read source: the string does not end"},
      {"a character", "c = 'a;\n", "a.cc", "a.cc:1:5: read source: the character does not end"},
      {"a character of Rust", "'\\n;", "a.rs", "a.rs:1:1: read source: the character does not end"},
      {"a raw string", "R\"a(b)c\"", "a.cc", "a.cc:1:1: read source: the raw string does not end"},
      {"a raw string's mark", "R\"a b(\"", "a.cc",
       "a.cc:1:1: read source: the raw string has no \"(\" behind its mark"},
      {"a raw string of Rust", "r##\"a\"#", "a.rs",
       "a.rs:1:1: read source: the raw string does not end"},
      {"a zero byte", std::string("a\n b\0c", 6), "a.c",
       "a.c:2:3: read source: there is a zero byte"},
      {"Latin-1", "a\n\xe4", "a.c", "a.c:2:1: read source: the text is not UTF-8"},
      {"a surrogate", "\xed\xa0\x80", "a.rs", "a.rs:1:1: read source: the text is not UTF-8"},
      {"an overlong sequence", "\xc0\x80", "a.c", "a.c:1:1: read source: the text is not UTF-8"},
      {"too much", std::string(kMaxSourceBytes + 1, ' '), "a.c",
       "a.c:1:1: read source: the file is larger than 4 MiB"},
      {"another language", "", "a.go",
       "a.go: read source: the ending is none of C (.c, .h), C++ (.cc, .cpp, .cxx, .hh, .hpp, "
       ".hxx) "
       "and Rust (.rs)"},
  };
  for (const auto& row : rows) {
    const auto file = Lex(row.text, row.path);
    ASSERT_FALSE(file.has_value()) << row.sentence;
    EXPECT_EQ(base::ToString(file.error()), row.want) << row.sentence;
  }
}

TEST(Unquote, GivesWhatAStringMeans) {
  const struct {
    std::string path, text, want;
  } rows[] = {
      {"a.c", "\"a\\\"b\\n\\\\\"", "a\"b\n\\"},
      {"a.c", "L\"a\"", "a"},
      {"a.c", "\"a\\\nb\"", "ab"},
      {"a.cc", "R\"x(a\\\"b)x\"", "a\\\"b"},
      {"a.rs", "r#\"a\"b\"#", "a\"b"},
      {"a.rs", "b\"a\"", "a"},
      {"a.rs", "r\"a\\b\"", "a\\b"},
      {"a.c", "'\\''", "'"},
  };
  for (const auto& row : rows) {
    const auto file = Lex(row.text, row.path);
    ASSERT_TRUE(file.has_value()) << row.text;
    ASSERT_EQ(file->tokens.size(), 1u) << row.text;
    EXPECT_EQ(Unquote(file->tokens[0]), row.want) << row.text;
  }
}

}  // namespace
}  // namespace bailey::review
