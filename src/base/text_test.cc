#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

#include "base/markup.h"

namespace bailey::base {
namespace {

TEST(ParseSize, ReadsNumbersWithUnits) {
  struct Row {
    std::string_view text;
    std::uint64_t want;
  };
  for (const Row& row : std::to_array<Row>({{"0", 0},
                                            {"512", 512},
                                            {"64KiB", 65536},
                                            {"1GiB", 1ull << 30},
                                            {"10MB", 10'000'000}})) {
    const auto got = ParseSize(row.text);
    ASSERT_TRUE(got) << row.text;
    EXPECT_EQ(*got, row.want) << row.text;
  }
}

TEST(ParseSize, SaysWhatIsWrong) {
  struct Row {
    std::string_view text, want;
  };
  for (const Row& row : std::to_array<Row>(
           {{"", "read size \"\": expected a number, as in \"64MiB\""},
            {"64M", "read size \"64M\": unknown unit \"M\", expected one as in \"64MiB\""},
            {"-1", "read size \"-1\": expected a number, as in \"64MiB\""},
            {"9999999999TiB", "read size \"9999999999TiB\": the number is too large"},
            {"1 GiB",
             "read size \"1 GiB\": unknown unit \" GiB\", expected one as in \"64MiB\""}})) {
    const auto got = ParseSize(row.text);
    ASSERT_FALSE(got) << row.text;
    EXPECT_EQ(got.error().text, row.want);
  }
}

TEST(ParseDuration, WantsAUnit) {
  EXPECT_EQ(ParseDuration("10m")->count(), 600'000);
  EXPECT_EQ(ParseDuration("250ms")->count(), 250);
  EXPECT_EQ(ParseDuration("10").error().text,
            "read time \"10\": unknown unit \"\", expected one as in \"30s\"");
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(ParseNumber("0x1f"), 31u);
  EXPECT_EQ(ParseNumber("010"), 8u);
  EXPECT_EQ(ParseNumber("18446744073709551615"), ~0ull);
  EXPECT_EQ(ParseNumber("18446744073709551616"), std::nullopt);
  EXPECT_EQ(ParseNumber("12x"), std::nullopt);
  EXPECT_EQ(ParseNumber(""), std::nullopt);
  EXPECT_EQ(ParseNumber("-1"), std::nullopt);
}

TEST(Nearest, FindsNearMissesOnly) {
  constexpr std::array<std::string_view, 3> kNames = {"socket", "socketpair", "clone"};
  EXPECT_EQ(Nearest("soket", kNames), "socket");
  EXPECT_EQ(Nearest("clon", kNames), "clone");
  EXPECT_EQ(Nearest("xyz", kNames), std::nullopt);
}

TEST(Escape, LeavesNothingThatMovesATerminal) {
  EXPECT_EQ(Escape("a\x1b[2Jb\n\"\\\x7f"), "a\\x1b[2Jb\\n\\\"\\\\\\x7f");
}

TEST(EscapeMarkup, LeavesNothingThatEndsATextOrAnAttribute) {
  EXPECT_EQ(EscapeMarkup("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(EscapeMarkup("a\n\xc3\xa4"), "a\n\xc3\xa4");
}

TEST(ShellQuote, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(ShellQuote("/usr/bin/gcc"), "/usr/bin/gcc");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
}

TEST(ErrorText, PutsThePlaceFirst) {
  Error error = InvalidInput("read key: unknown");
  error.location = {"p.toml", 3, 7};
  error.excerpt = "abc\n^";
  EXPECT_EQ(ToString(error), "p.toml:3:7: read key: unknown\nabc\n^");
}

}  // namespace
}  // namespace bailey::base
