#include "policy/toml.h"

#include <gtest/gtest.h>

#include <string>

namespace bailey::policy {
namespace {

std::string ErrorOf(std::string text) {
  const auto document = ParseToml(std::move(text), "x.toml");
  return document ? "" : base::ToString(document.error());
}

// Found by fuzzing: the library's table of blanks has holes that it takes to be unreachable.
TEST(Toml, CharactersInTheLibrarysHoles) {
  const std::string want = "read policy: outside of strings and comments only ASCII has a meaning";
  for (const std::string character : {"\xc3\xa9", "\xe3\x80\x81", "\xef\xb1\xa6", "\xef\xb3\xbf",
                                      "\xef\xb8\x8f", "\xef\xbb\xbe"}) {
    EXPECT_NE(ErrorOf("w" + character).find("x.toml:1:2: " + want), std::string::npos);
    EXPECT_NE(ErrorOf("a = \"\"\"\\\n  " + character + "\"\"\"").find(want), std::string::npos);
    EXPECT_EQ(ErrorOf("a = \"" + character + "\" # \\" + character), "");
    EXPECT_EQ(ErrorOf("a = '''\n" + character + "'''"), "");
  }
  EXPECT_EQ(ErrorOf("\xef\xbb\xbf"
                    "a = 1"),
            "")
      << "a byte order mark may stand first";
}

TEST(Toml, MistakesWhereAKeyOrAValueShouldStand) {
  for (const std::string text : {"[\\a]", "[=a]", "[.a]", "[[.a]]", "[[[a]]]", "[ #", "[\n",
                                 "\r\n[ \t,a]", "a = [}", "a = [1, }]", "a = {b = }", "a = ,"}) {
    EXPECT_NE(ErrorOf(text).find("read policy: Error while parsing"), std::string::npos) << text;
  }
}

struct Fault {
  const char* sentence;
  const char* text;
  const char* want;
};

// The library's words, in our form.
constexpr Fault kFaults[] = {
    {"a value that is missing",
     R"(bailey = 1
name =
)",
     R"(x.toml:2:7: read policy: Error while parsing key-value pair: expected value, saw '\n'
name =
      ^)"},
    {"a string that does not end",
     R"(bailey = 1
name = "x
)",
     R"(x.toml:2:10: read policy: Error while parsing string: unescaped control characters other than TAB (U+0009) are explicitly prohibited
name = "x
         ^)"},
    {"a key that is there twice",
     R"(bailey = 1
name = "x"
name = "y"
)",
     R"(x.toml:3:8: read policy: Error while parsing key-value pair: cannot redefine existing string 'name'
name = "y"
       ^)"},
    {"a bracket that does not close",
     R"(bailey = 1
[filesystem
)",
     R"(x.toml:2:12: read policy: Error while parsing table header: expected ']', saw '\n'
[filesystem
           ^)"},
};

TEST(Toml, FaultsOfTheSyntax) {
  for (const Fault& fault : kFaults) EXPECT_EQ(ErrorOf(fault.text), fault.want) << fault.sentence;
}

}  // namespace
}  // namespace bailey::policy
