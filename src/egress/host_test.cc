#include "egress/host.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace bailey::egress {
namespace {

TEST(Host, OneForm) {
  using namespace std::string_view_literals;
  const struct {
    std::string_view text, want;  // empty: refused
  } kCases[] = {
      {"example.org"sv, "example.org"},
      {"EXAMPLE.Org."sv, "example.org"},
      {"localhost"sv, "localhost"},
      {"_dmarc.a-b.example"sv, "_dmarc.a-b.example"},
      {"xn--bcher-kva.example"sv, "xn--bcher-kva.example"},
      {"bücher.example"sv, ""},
      {"example.org.."sv, ""},
      {".example.org"sv, ""},
      {"a..b"sv, ""},
      {""sv, ""},
      {"."sv, ""},
      {"-a.example"sv, ""},
      {"a-.example"sv, ""},
      {"a b"sv, ""},
      {"a%2eb"sv, ""},
      {"a/b"sv, ""},
      {"a@b"sv, ""},
      {"a:80"sv, ""},
      {"evil.test\0.example.org"sv, ""},
      {"example.org\0"sv, ""},
      {"example.org\n"sv, ""},
      {"1.2.3.4"sv, ""},
      {"127.1"sv, ""},
      {"0x7f.1"sv, ""},
      {"2130706433"sv, ""},
      {"a.0x7f000001"sv, ""},
      {"0x"sv, ""},
      {"a.0xg"sv, "a.0xg"},
      {"１.example"sv, ""},  // a digit of another script
      {"4.example"sv, "4.example"},
  };
  for (const auto& c : kCases) {
    const auto host = Host::Parse(c.text);
    EXPECT_EQ(host ? host->Text() : "", c.want) << c.text;
  }
  const std::string label(63, 'a');
  EXPECT_TRUE(Host::Parse(label + ".x"));
  EXPECT_FALSE(Host::Parse(label + "a.x"));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  EXPECT_TRUE(Host::Parse(longest));
  EXPECT_TRUE(Host::Parse(longest + "."));
  EXPECT_FALSE(Host::Parse(longest + "b"));
}

TEST(Host, WhatIsReadOnceReadsTheSame) {
  constexpr std::string_view kBytes = "aAzZ09-_.xX\0 :/@%\n\x7f\x80\xff";
  std::mt19937 random(11);
  int read = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = kBytes[random() % kBytes.size()];
    const auto host = Host::Parse(text);
    if (!host) continue;
    ++read;
    const auto again = Host::Parse(host->Text());
    ASSERT_TRUE(again) << text;
    ASSERT_EQ(*again, *host) << text;
    ASSERT_EQ(host->Text().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_."),
              std::string::npos)
        << text;
  }
  EXPECT_GT(read, 1000);
}

TEST(Host, Below) {
  const Host domain = *Host::Parse("example.org");
  EXPECT_TRUE(Host::Parse("a.example.org")->IsBelow(domain));
  EXPECT_TRUE(Host::Parse("a.b.example.org")->IsBelow(domain));
  EXPECT_FALSE(domain.IsBelow(domain));
  EXPECT_FALSE(Host::Parse("badexample.org")->IsBelow(domain));
  EXPECT_FALSE(Host::Parse("org")->IsBelow(domain));
}

}  // namespace
}  // namespace bailey::egress
