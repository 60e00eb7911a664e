#include "egress/rule.h"

#include <gtest/gtest.h>

namespace bailey::egress {
namespace {

TEST(Rule, ReadsAndWrites) {
  const struct {
    const char *text, *want;
  } kCases[] = {
      {"packages.example.org:443", "packages.example.org:443"},
      {"Example.ORG.:443/tcp", "example.org:443"},
      {"*.example.org:443/udp", "*.example.org:443/udp"},
      {"10.1.0.0/16:5432/tcp", "10.1.0.0/16:5432"},
      {"192.0.2.7:80", "192.0.2.7:80"},
      {"192.0.2.7/32:80", "192.0.2.7:80"},
      {"[2001:db8::1]:443", "[2001:db8::1]:443"},
      {"[2001:DB8::/32]:80-90/udp", "[2001:db8::/32]:80-90/udp"},
      {"example.org:*", "example.org:*"},
      {"example.org:1-65535", "example.org:*"},
      {"host.bailey:8080", "host.bailey:8080"},
      {"169.254.169.254:80", "169.254.169.254:80"},
      {"0.0.0.0/0:443", "0.0.0.0/0:443"},
  };
  for (const auto& c : kCases) {
    const auto rule = ParseRule(c.text, RuleList::kAllow);
    ASSERT_TRUE(rule) << rule.error().text;
    EXPECT_EQ(ToString(*rule), c.want);
    EXPECT_EQ(*ParseRule(ToString(*rule), RuleList::kAllow), *rule);
  }
}

TEST(Rule, Refuses) {
  constexpr const char* kPort =
      "its port is no number from 1 to 65535, no range as 8000-8010, and not *";
  constexpr const char* kName =
      "its host is no name (letters, digits and hyphens; international ones as xn--...) and no "
      "address";
  constexpr const char* kAddress =
      "its address is none, or has bits behind its prefix, as in 10.1.2.3/8";
  constexpr const char* kBrackets =
      "brackets are for IPv6, as in [2001:db8::1]:443, and needed there";
  constexpr const char* kLoopback =
      "inside, loopback is the sandbox's own; the host's is "
      "host.bailey";
  const struct {
    const char* text;
    std::string want;
  } kCases[] = {
      {"example.org", "it has no port, as in example.org:443"},
      {"[::1]", "it has no port, as in example.org:443"},
      {"example.org:", kPort},
      {"example.org:0", kPort},
      {"example.org:080", kPort},
      {"example.org:65536", kPort},
      {"example.org:90-80", kPort},
      {"example.org:443/sctp", kPort},
      {"bücher.example:443", kName},
      {"*:443", kName},
      {"a.*.org:443", kName},
      {"https://example.org:443", kBrackets},
      {"127.1:80", kAddress},
      {"010.0.0.1:80", kAddress},
      {"10.1.2.3/8:80", kAddress},
      {"2001:db8::1:443", kBrackets},
      {"[10.0.0.1]:80", kBrackets},
      {"127.0.0.1:80", kLoopback},
      {"[::1]:80", kLoopback},
      {"198.18.5.5:80", "an address that bailey gives to names cannot be allowed"},
      {"224.0.0.1:80/udp", "a multicast address cannot be allowed"},
      {"[2002::/16]:80", "an address that is translated to another one cannot be allowed"},
      {"other.bailey:80", "of names below .bailey there is only host.bailey"},
      {"*.bailey:80", "of names below .bailey there is only host.bailey"},
      {"*.host.bailey:80", "there are no names below host.bailey"},
  };
  for (const auto& c : kCases) {
    const auto rule = ParseRule(c.text, RuleList::kAllow);
    ASSERT_FALSE(rule) << c.text;
    EXPECT_EQ(rule.error().text, "read \"" + std::string(c.text) + "\": " + c.want);
  }
  EXPECT_TRUE(ParseRule("198.18.5.5:80", RuleList::kDeny)) << "what is denied may be anything";
}

}  // namespace
}  // namespace bailey::egress
