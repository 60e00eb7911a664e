#include "network/nat.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "network/plan.h"

namespace bailey::network {
namespace {

policy::Network Of(const std::vector<const char*>& allow, const std::vector<const char*>& deny) {
  policy::Network network{.mode = policy::NetworkMode::kNat};
  for (const char* entry : allow)
    network.egress.allow.push_back(*egress::ParseRule(entry, egress::RuleList::kAllow));
  for (const char* entry : deny)
    network.egress.deny.push_back(*egress::ParseRule(entry, egress::RuleList::kDeny));
  return network;
}

Nat Both() { return {.program = "pasta", .ipv4 = true, .ipv6 = true}; }

bool Passes(const Plan& plan, const char* address, std::uint16_t port, std::uint8_t protocol) {
  const auto to = *base::ParseAddress(address);
  return std::ranges::any_of(plan.table.sets, [&](const os::nft::Set& set) {
    return set.v6 == to.IsV6() && std::ranges::any_of(set.elements, [&](const auto& element) {
             return element.first <= to && to <= element.last && element.low <= port &&
                    port <= element.high && element.protocol == protocol;
           });
  });
}

TEST(Nat, WhatTheRulesLetThrough) {
  const Plan plan = MakeNatPlan(
      Of({"10.7.0.0/16:80", "[fd00::5]:443/udp"}, {"203.0.113.0/24:25", "10.7.7.7:*"}), Both());
  struct Case {
    const char* sentence;
    const char* address;
    std::uint16_t port;
    std::uint8_t protocol;
    bool want;
  };
  constexpr std::uint8_t kTcp = 6, kUdp = 17;
  constexpr Case kCases[] = {
      {"an address of the internet", "203.0.113.10", 80, kTcp, true},
      {"by UDP", "203.0.113.10", 53, kUdp, true},
      {"of IPv6", "2606:4700::1", 443, kTcp, true},
      {"a port that is denied", "203.0.113.10", 25, kTcp, false},
      {"the port beside it", "203.0.113.10", 26, kTcp, true},
      {"a private address", "10.1.1.1", 80, kTcp, false},
      {"one with an entry of its own", "10.7.1.1", 80, kTcp, true},
      {"its other ports", "10.7.1.1", 81, kTcp, false},
      {"its other protocol", "10.7.1.1", 80, kUdp, false},
      {"one that is denied", "10.7.7.7", 80, kTcp, false},
      {"a metadata service", "169.254.169.254", 80, kTcp, false},
      {"one of IPv6", "fd00:ec2::254", 80, kTcp, false},
      {"a private one of IPv6 with an entry", "fd00::5", 443, kUdp, true},
      {"loopback", "127.0.0.1", 80, kTcp, false},
      {"multicast", "224.0.0.251", 5353, kUdp, false},
      {"the first address of all", "0.0.0.0", 80, kTcp, false},
      {"the last one", "255.255.255.255", 67, kUdp, false},
      {"the first one behind a private range", "11.0.0.0", 80, kTcp, true},
      {"translated from IPv4", "64:ff9b::a00:1", 80, kTcp, false},
      {"IPv4 in IPv6", "::ffff:10.0.0.1", 80, kTcp, false},
      {"the resolver", "198.18.0.3", 53, kUdp, true},
      {"the resolver by TCP", "198.18.0.3", 53, kTcp, true},
      {"another port of it", "198.18.0.3", 80, kTcp, false},
      {"the other end of the link", "198.18.0.2", 80, kTcp, false},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(Passes(plan, c.address, c.port, c.protocol), c.want) << c.sentence;
}

TEST(Nat, OneFamilyAlone) {
  Nat nat = Both();
  nat.ipv6 = false;
  const Plan plan = MakeNatPlan(Of({}, {}), nat);
  EXPECT_TRUE(std::ranges::none_of(plan.table.sets, &os::nft::Set::v6));
  EXPECT_EQ(RoutedAddresses(nat).size(), 1U);
  const auto words = PastaWords(nat, 7, 3, 4, 1000);
  EXPECT_EQ(std::ranges::count(words, "--ipv4-only"), 1);
  EXPECT_EQ(std::ranges::count(words, "--runas"), 0);
  EXPECT_EQ(ResolverFile(nat), "nameserver 198.18.0.3\n");
}

TEST(Nat, WhatPastaIsTold) {
  const auto words = PastaWords(Both(), 7, 3, 4, 0);
  for (const char* word : {"--no-map-gw", "--foreground", "/proc/7/fd/3", "/proc/7/fd/4"})
    EXPECT_EQ(std::ranges::count(words, word), 1) << word;
  // Nothing of the host's leads in, and nothing inside to the host's loopback.
  for (const char* word : {"--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"}) {
    const auto at = std::ranges::find(words, word);
    ASSERT_NE(at, words.end()) << word;
    EXPECT_EQ(*(at + 1), "none") << word;
  }
}

TEST(Nat, WhatItCannotKeep) {
  struct Case {
    const char* sentence;
    policy::Network network;
    const char* want;
  };
  policy::Network limited = Of({}, {});
  limited.idle = std::chrono::seconds(1);
  const Case cases[] = {
      {"a denied name", Of({}, {"a.test:80"}),
       "make the network: mode \"nat\": deny \"a.test:80\": it knows addresses and no names, for "
       "which there is mode \"allow\""},
      {"names below a domain", Of({}, {"*.a.test:80"}),
       "make the network: mode \"nat\": deny \"*.a.test:80\": it knows addresses and no names, for "
       "which there is mode \"allow\""},
      {"the host's loopback", Of({"host.bailey:80"}, {}),
       "make the network: mode \"nat\": allow \"host.bailey:80\": the host's loopback needs mode "
       "\"allow\""},
      {"a limit", limited, "make the network: mode \"nat\": [network] idle needs mode \"allow\""},
  };
  for (const Case& c : cases) {
    const auto kept = CheckNat(c.network);
    ASSERT_FALSE(kept) << c.sentence;
    EXPECT_EQ(kept.error().text, c.want) << c.sentence;
    EXPECT_EQ(kept.error().code, base::ErrorCode::kUnsupported) << c.sentence;
  }
  EXPECT_TRUE(CheckNat(Of({"a.test:80", "10.0.0.0/8:80"}, {"192.0.2.1:*"})));
}

TEST(Nat, WithoutPasta) {
  const auto found = FindNat("/nowhere:relative");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text,
            "make the network: mode \"nat\": pasta is not installed (package passt)");
}

}  // namespace
}  // namespace bailey::network
