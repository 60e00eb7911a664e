#include "egress/decide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bailey::egress {
namespace {

Egress Make(std::initializer_list<const char*> allow, std::initializer_list<const char*> deny) {
  Egress egress;
  for (const char* text : allow) egress.allow.push_back(*ParseRule(text, RuleList::kAllow));
  for (const char* text : deny) egress.deny.push_back(*ParseRule(text, RuleList::kDeny));
  return egress;
}

TEST(Egress, Names) {
  const Egress egress = Make({"example.org:443", "*.example.org:443", "udp.test:53/udp"},
                             {"bad.example.org:443", "*.bad.example.org:1-1000"});
  const struct {
    const char* host;
    std::uint16_t port;
    Protocol protocol;
    Verdict want;
  } kCases[] = {
      {"example.org", 443, Protocol::kTcp, {true, "example.org:443"}},
      {"example.org", 80, Protocol::kTcp, {false, "no entry allows it"}},
      {"example.org", 443, Protocol::kUdp, {false, "no entry allows it"}},
      {"a.b.example.org", 443, Protocol::kTcp, {true, "*.example.org:443"}},
      {"bad.example.org", 443, Protocol::kTcp, {false, "denied by bad.example.org:443"}},
      {"x.bad.example.org", 443, Protocol::kTcp, {false, "denied by *.bad.example.org:1-1000"}},
      {"udp.test", 53, Protocol::kUdp, {true, "udp.test:53/udp"}},
      {"other.test", 443, Protocol::kTcp, {false, "no entry allows it"}},
  };
  for (const auto& c : kCases)
    EXPECT_EQ(egress.Decide(*Host::Parse(c.host), c.port, c.protocol), c.want) << c.host;
  EXPECT_FALSE(Egress().Decide(*Host::Parse("example.org"), 443, Protocol::kTcp).allowed);
}

TEST(Egress, Addresses) {
  const Egress egress =
      Make({"0.0.0.0/0:443", "[::/0]:443", "10.1.0.0/16:5432", "169.254.169.254:80"},
           {"203.0.113.0/24:443"});
  const struct {
    const char* address;
    std::uint16_t port;
    bool allowed;
    const char* why;
  } kCases[] = {
      {"192.0.2.1", 443, true, "0.0.0.0/0:443"},
      {"203.0.113.9", 443, false, "denied by 203.0.113.0/24:443"},
      {"10.1.2.3", 5432, true, "10.1.0.0/16:5432"},
      {"10.1.2.3", 443, false, "a private address needs an entry of its own"},
      {"127.0.0.1", 443, false, "the host's loopback cannot be allowed"},
      {"169.254.169.254", 80, true, "169.254.169.254:80"},
      {"169.254.169.254", 443, false,
       "a link-local address (metadata services) needs an entry of its own"},
      {"fd00:ec2::254", 443, false, "a private address needs an entry of its own"},
      {"::1", 443, false, "a reserved address cannot be allowed"},
      {"64:ff9b::a9fe:a9fe", 443, false,
       "an address that is translated to another one needs an entry of its own"},
      {"2001:db8::1", 443, true, "[::/0]:443"},
      {"2001:db8::1", 80, false, "no entry allows it"},
      {"198.18.0.9", 443, false, "an address that bailey gives to names cannot be allowed"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(egress.Decide(*base::ParseAddress(c.address), c.port, Protocol::kTcp),
              (Verdict{c.allowed, c.why}))
        << c.address;
  }
}

TEST(Egress, NamesDoNotLeadInside) {
  const Egress egress = Make({"example.org:443", "10.9.0.0/16:443", "0.0.0.0/0:443"}, {});
  const auto decide = [&](const char* address) {
    return egress.DecideUpstream(*base::ParseAddress(address), 443, Protocol::kTcp).allowed;
  };
  EXPECT_TRUE(decide("192.0.2.1"));
  EXPECT_TRUE(decide("10.9.1.1"));
  for (const char* inside :
       {"10.8.1.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "::1",
        "::", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "255.255.255.255", "198.18.0.1"})
    EXPECT_FALSE(decide(inside)) << inside;
}

TEST(Egress, PortsAreThoseThatAreDecidedSo) {
  std::mt19937 random(3);
  const Host host = *Host::Parse("a.test");
  for (int round = 0; round < 300; ++round) {
    Egress egress;
    for (auto* list : {&egress.allow, &egress.deny}) {
      for (unsigned i = 0; i < random() % 4; ++i) {
        const auto low = static_cast<std::uint16_t>(1 + random() % 40);
        const auto high = static_cast<std::uint16_t>(low + random() % 20);
        list->push_back({Name{host}, {low, high}, Protocol::kTcp});
      }
    }
    const auto sets = egress.PortsOf(host);
    for (std::uint16_t port = 1; port < 70; ++port) {
      const auto holding =
          std::ranges::count_if(sets, [&](const PortSet& set) { return set.ports.Contains(port); });
      EXPECT_EQ(holding, egress.Decide(host, port, Protocol::kTcp).allowed ? 1 : 0);
    }
  }
}

TEST(Egress, Suggestions) {
  EXPECT_EQ(SuggestRule(*Host::Parse("a.test"), 443, Protocol::kTcp), "a.test:443");
  EXPECT_EQ(SuggestRule(*base::ParseAddress("10.0.0.1"), 53, Protocol::kUdp), "10.0.0.1:53/udp");
  EXPECT_EQ(SuggestRule(*base::ParseAddress("::1"), 53, Protocol::kUdp), std::nullopt);
}

}  // namespace
}  // namespace bailey::egress
