#include "network/plan.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <utility>

#include "egress/special.h"
#include "network/families.h"

namespace bailey::network {
namespace {

namespace nft = os::nft;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMostSinglePorts = 16;
// include/uapi/linux/netfilter.h, NFPROTO_IPV4 and NFPROTO_IPV6.
constexpr std::uint8_t kFamily4 = 2, kFamily6 = 10;

constexpr std::uint8_t Number(egress::Protocol protocol) {
  return protocol == egress::Protocol::kTcp ? IPPROTO_TCP : IPPROTO_UDP;
}

Bytes BytesOf(const base::Address& address) {
  const auto bytes = address.Bytes();
  return {bytes.begin(), bytes.end()};
}

// Registers: a rule looks at one thing at a time in the first; keys of sets and targets fill more.
nft::LoadMeta LoadFamily() { return {nft::Meta::kFamily, 0}; }
nft::Match IsFamily(bool v6) { return {0, true, Bytes{v6 ? kFamily6 : kFamily4}}; }
nft::LoadPacket LoadDestination(bool v6) {
  return {nft::Header::kNetwork, static_cast<std::uint8_t>(v6 ? 24 : 16),
          static_cast<std::uint8_t>(v6 ? 16 : 4), 0};
}
nft::LoadMeta LoadProtocol(std::uint8_t to) { return {nft::Meta::kProtocol, to}; }
nft::Match IsProtocol(std::uint8_t protocol) { return {0, true, Bytes{protocol}}; }

// To the sandbox itself.
std::vector<nft::Rule> AcceptOwn(bool ipv6) {
  std::vector<nft::Rule> rules;
  rules.push_back({"ip daddr 127.0.0.0/8 accept",
                   {LoadFamily(), IsFamily(false), nft::LoadPacket{nft::Header::kNetwork, 16, 1, 0},
                    nft::Match{0, true, Bytes{127}}, nft::Accept{}}});
  for (const base::Address& address : {kOwn4, *base::ParseAddress("::1"), kOwn6}) {
    const bool v6 = address.IsV6();
    if (v6 && !ipv6) continue;
    rules.push_back({fmt::format("{} daddr {} accept", v6 ? "ip6" : "ip", base::ToString(address)),
                     {LoadFamily(), IsFamily(v6), LoadDestination(v6),
                      nft::Match{0, true, BytesOf(address)}, nft::Accept{}}});
  }
  return rules;
}

nft::Rule AcceptIn(std::string_view set, bool v6) {
  const auto after = static_cast<std::uint8_t>(v6 ? 4 : 1);
  return {fmt::format("{} daddr . meta l4proto . th dport @{} accept", v6 ? "ip6" : "ip", set),
          {LoadFamily(), IsFamily(v6), LoadDestination(v6), LoadProtocol(after),
           nft::LoadPacket{nft::Header::kTransport, 2, 2, static_cast<std::uint8_t>(after + 1)},
           nft::InSet{std::string(set), 0}, nft::Accept{}}};
}

nft::Rule ToGateway(bool v6, std::uint8_t protocol) {
  const base::Endpoint trap = v6 ? kTrap6 : kTrap4;
  return {
      fmt::format("meta nfproto {} meta l4proto {} tproxy {} to {} accept", v6 ? "ipv6" : "ipv4",
                  protocol == IPPROTO_TCP ? "tcp" : "udp", v6 ? "ip6" : "ip", base::ToString(trap)),
      {LoadFamily(), IsFamily(v6), LoadProtocol(0), IsProtocol(protocol),
       nft::LoadValue{0, BytesOf(trap.address)},
       nft::LoadValue{4, Bytes{static_cast<std::uint8_t>(trap.port >> 8),
                               static_cast<std::uint8_t>(trap.port)}},
       nft::ToSocket{v6, 0, 4}, nft::Accept{}}};
}

std::vector<bool> Families(bool ipv6) {
  return ipv6 ? std::vector<bool>{false, true} : std::vector<bool>{false};
}

// What no rule before allowed: a record, and an error at once.
void RefuseRest(nft::Chain& chain) {
  chain.rules.push_back({fmt::format("log group {} snaplen {}", kLogGroup, kLogBytes),
                         {nft::Log{kLogGroup, kLogBytes}}});
  chain.rules.push_back({"meta l4proto tcp reject with tcp reset",
                         {LoadProtocol(0), IsProtocol(IPPROTO_TCP), nft::ResetTcp{}}});
}

nft::Chain OutChain(const std::vector<nft::Set>& sets, bool ipv6) {
  constexpr std::uint8_t kSyn = 0x02, kAck = 0x10, kFlags = 13;
  nft::Chain chain{.name = "out", .hook = nft::Hook::kOutput, .drop = true, .rules = {}};
  // Of a connection that began, or one that nobody has: the kernel answers the latter. First, as
  // most packets are.
  chain.rules.push_back(
      {"meta l4proto tcp tcp flags & (syn | ack) != syn accept",
       {LoadProtocol(0), IsProtocol(IPPROTO_TCP),
        nft::LoadPacket{nft::Header::kTransport, kFlags, 1, 0}, nft::And{0, Bytes{kSyn | kAck}},
        nft::Match{0, false, Bytes{kSyn}}, nft::Accept{}}});
  for (nft::Rule& own : AcceptOwn(ipv6)) chain.rules.push_back(std::move(own));
  for (const nft::Set& set : sets) chain.rules.push_back(AcceptIn(set.name, set.v6));
  RefuseRest(chain);
  return chain;
}

// By which IPv6 finds who is next to it (RFC 4861); no program inside can make such a packet.
nft::Rule AcceptIcmp6(std::uint8_t type) {
  return {fmt::format("meta l4proto ipv6-icmp icmpv6 type {} accept", type),
          {LoadProtocol(0), IsProtocol(IPPROTO_ICMPV6),
           nft::LoadPacket{nft::Header::kTransport, 0, 1, 0}, nft::Match{0, true, Bytes{type}},
           nft::Accept{}}};
}

// Every packet of a connection is held to the sets, not the first alone: behind them is no gateway
// that would know it.
nft::Chain RoutedOutChain(const Nat& nat) {
  constexpr std::uint8_t kNeighbourSolicitation = 135, kNeighbourAdvertisement = 136;
  nft::Chain chain{.name = "out", .hook = nft::Hook::kOutput, .drop = true, .rules = {}};
  for (const bool v6 : {false, true}) {
    if (!(v6 ? nat.ipv6 : nat.ipv4)) continue;
    chain.rules.push_back(AcceptIn(PairSet(v6), v6));
    chain.rules.push_back(AcceptIn(RangeSet(v6), v6));
  }
  for (nft::Rule& own : AcceptOwn(nat.has_ipv6)) chain.rules.push_back(std::move(own));
  if (nat.ipv6) {
    chain.rules.push_back(AcceptIcmp6(kNeighbourSolicitation));
    chain.rules.push_back(AcceptIcmp6(kNeighbourAdvertisement));
  }
  RefuseRest(chain);
  return chain;
}

nft::Chain InChain(bool ipv6) {
  constexpr std::int32_t kMangle = -150;
  nft::Chain chain{
      .name = "in", .hook = nft::Hook::kPrerouting, .priority = kMangle, .rules = AcceptOwn(ipv6)};
  for (const bool v6 : Families(ipv6))
    for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP})
      chain.rules.push_back(ToGateway(v6, protocol));
  return chain;
}

bool Overlap(const nft::Element& a, const nft::Element& b) {
  return a.protocol == b.protocol && a.first <= b.last && b.first <= a.last && a.low <= b.high &&
         b.low <= a.high;
}

// What each of `elements` holds beside `taken`: the addresses before and behind it, then of those
// within it the ports below and above.
std::vector<nft::Element> Without(const std::vector<nft::Element>& elements,
                                  const nft::Element& taken) {
  std::vector<nft::Element> left;
  for (nft::Element rest : elements) {
    if (!Overlap(rest, taken)) {
      left.push_back(rest);
      continue;
    }
    if (rest.first < taken.first) {
      nft::Element before = rest;
      before.last = taken.first.Previous();
      left.push_back(before);
      rest.first = taken.first;
    }
    if (taken.last < rest.last) {
      nft::Element behind = rest;
      behind.first = taken.last.Plus(1);
      left.push_back(behind);
      rest.last = taken.last;
    }
    if (rest.low < taken.low) {
      nft::Element below = rest;
      below.high = static_cast<std::uint16_t>(taken.low - 1);
      left.push_back(below);
    }
    if (taken.high < rest.high) {
      nft::Element above = rest;
      above.low = static_cast<std::uint16_t>(taken.high + 1);
      left.push_back(above);
    }
  }
  return left;
}

// The host itself, and names that are nobody's, are what the policy says.
bool IsRecorded(const Plan& plan, const egress::Host& host) {
  return plan.recording != Recording::kNo &&
         !host.IsBelow(*egress::Host::Parse(egress::kOwnDomain));
}

nft::Element ElementOf(const base::AddressRange& range, const egress::Rule& rule) {
  return {range.first, range.Last(), Number(rule.protocol), rule.ports.low, rule.ports.high};
}

}  // namespace

std::string_view PairSet(bool v6) { return v6 ? "pairs6" : "pairs4"; }
std::string_view RangeSet(bool v6) { return v6 ? "ranges6" : "ranges4"; }

std::vector<nft::Element> AllowedRanges(const egress::Egress& egress) {
  std::vector<nft::Element> allowed;
  for (const egress::Rule& rule : egress.allow) {
    const auto* range = std::get_if<base::AddressRange>(&rule.target);
    if (!range) continue;
    std::vector<nft::Element> added = {ElementOf(*range, rule)};
    const egress::SpecialRange* own = egress::FindSpecial(*range);
    for (const egress::SpecialRange& special : egress::SpecialRanges()) {
      if (own && own->grantable && &special == own) continue;
      if (special.range.first.IsV6() == range->first.IsV6() && !(own && own->grantable))
        added = Without(added, ElementOf(special.range, rule));
    }
    for (const egress::Rule& denied : egress.deny) {
      const auto* taken = std::get_if<base::AddressRange>(&denied.target);
      if (taken && taken->first.IsV6() == range->first.IsV6())
        added = Without(added, ElementOf(*taken, denied));
    }
    for (const nft::Element& element : allowed)
      if (element.first.IsV6() == range->first.IsV6()) added = Without(added, element);
    allowed.insert(allowed.end(), added.begin(), added.end());
  }
  return allowed;
}

NameElements ElementsOf(const base::Address& address, const std::vector<egress::PortSet>& ports) {
  NameElements elements;
  std::size_t count = 0;
  for (const egress::PortSet& set : ports) count += set.ports.high - set.ports.low + 1u;
  for (const egress::PortSet& set : ports) {
    const std::uint8_t protocol = Number(set.protocol);
    if (count > kMostSinglePorts) {
      elements.ranges.push_back({address, address, protocol, set.ports.low, set.ports.high});
      continue;
    }
    for (unsigned port = set.ports.low; port <= set.ports.high; ++port)
      elements.pairs.push_back({address, address, protocol, static_cast<std::uint16_t>(port),
                                static_cast<std::uint16_t>(port)});
  }
  return elements;
}

egress::Verdict DecideName(const Plan& plan, const egress::Host& host, std::uint16_t port,
                           egress::Protocol protocol) {
  if (IsRecorded(plan, host)) return {true, "recorded"};
  return plan.policy.egress.Decide(host, port, protocol);
}

std::vector<egress::PortSet> PortsOfName(const Plan& plan, const egress::Host& host) {
  if (IsRecorded(plan, host)) return {{egress::Protocol::kTcp, {}}, {egress::Protocol::kUdp, {}}};
  return plan.policy.egress.PortsOf(host);
}

std::string ResolverFile(const std::optional<Nat>& nat) {
  if (nat) return fmt::format("nameserver {}\n", base::ToString(ResolverOf(*nat)));
  return fmt::format("nameserver {}\noptions timeout:5 attempts:2\n", base::ToString(kOwn4));
}

std::vector<std::pair<std::string, std::string>> ProxyVariables() {
  const std::string proxy = fmt::format("http://{}:{}", base::ToString(kOwn4), kProxyPort);
  const std::string none = "localhost,127.0.0.1,::1";
  return {{"http_proxy", proxy},  {"HTTP_PROXY", proxy}, {"https_proxy", proxy},
          {"HTTPS_PROXY", proxy}, {"all_proxy", proxy},  {"ALL_PROXY", proxy},
          {"no_proxy", none},     {"NO_PROXY", none}};
}

namespace {

bool IsPair(const nft::Element& element) {
  return element.first == element.last && element.low == element.high;
}

// Whether a name may have so many ports that they are ranges (ElementsOf).
bool HasNamesOfManyPorts(const egress::Egress& egress) {
  std::set<std::pair<egress::Protocol, std::uint16_t>> ports;
  for (const egress::Rule& rule : egress.allow) {
    if (std::holds_alternative<base::AddressRange>(rule.target)) continue;
    if (rule.ports.high - rule.ports.low >= static_cast<int>(kMostSinglePorts)) return true;
    for (unsigned port = rule.ports.low; port <= rule.ports.high; ++port)
      ports.emplace(rule.protocol, static_cast<std::uint16_t>(port));
    if (ports.size() > kMostSinglePorts) return true;
  }
  return false;
}

// A set of ranges takes the kernel twice as long to make as all else of a usual table: there is
// none that will stay empty.
nft::Table TableOf(const egress::Egress& egress, bool ipv6, RangeSets range_sets) {
  nft::Table table;
  table.name = "bailey";
  const std::vector<nft::Element> allowed = AllowedRanges(egress);
  const bool may_come = range_sets == RangeSets::kAlways || HasNamesOfManyPorts(egress);
  for (const bool v6 : Families(ipv6)) {
    const base::Address probe = v6 ? kProbe6 : kProbe4;
    nft::Set pairs{
        std::string(PairSet(v6)), v6, false, {{probe, probe, IPPROTO_TCP, kProbePort, kProbePort}}};
    nft::Set ranges{std::string(RangeSet(v6)), v6, true, {}};
    for (const nft::Element& element : allowed)
      if (element.first.IsV6() == v6)
        (IsPair(element) ? pairs : ranges).elements.push_back(element);
    table.sets.push_back(std::move(pairs));
    if (may_come || !ranges.elements.empty()) table.sets.push_back(std::move(ranges));
  }
  table.chains = {OutChain(table.sets, ipv6), InChain(ipv6)};
  return table;
}

Plan MakePlanOf(const policy::Network& policy, bool ipv6, RangeSets range_sets) {
  Plan plan;
  plan.addresses = {kOwn4};
  if (ipv6) plan.addresses.push_back(kOwn6);
  plan.policy = policy;
  plan.table = TableOf(policy.egress, ipv6, range_sets);
  return plan;
}

}  // namespace

Plan MakePlan(const policy::Network& policy, RangeSets range_sets) {
  return MakePlanOf(policy, true, range_sets);
}

Plan MakeNatPlan(const policy::Network& policy, const Nat& nat) {
  Plan plan;
  plan.policy = policy;
  plan.policy.egress = EgressOf(policy.egress);
  plan.nat = nat;
  plan.table.name = "bailey";
  const std::vector<nft::Element> ranges = AllowedRanges(plan.policy.egress);
  const base::Address resolver = ResolverOf(nat);
  for (const bool v6 : {false, true}) {
    if (!(v6 ? nat.ipv6 : nat.ipv4)) continue;
    nft::Set pairs{std::string(PairSet(v6)), v6, false, {}};
    for (const std::uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP})
      if (resolver.IsV6() == v6)
        pairs.elements.push_back({resolver, resolver, protocol, kResolverPort, kResolverPort});
    nft::Set all{std::string(RangeSet(v6)), v6, true, {}};
    std::ranges::copy_if(ranges, std::back_inserter(all.elements),
                         [v6](const nft::Element& element) { return element.first.IsV6() == v6; });
    plan.table.sets.push_back(std::move(pairs));
    plan.table.sets.push_back(std::move(all));
  }
  plan.table.chains = {RoutedOutChain(nat)};
  return plan;
}

Plan MakePlanOfIpv4(const policy::Network& policy, RangeSets range_sets) {
  return MakePlanOf(policy, false, range_sets);
}

void Record(Recording recording, Plan& plan) {
  plan.recording = recording;
  plan.table = TableOf(plan.policy.egress, HasIpv6(plan), RangeSets::kAlways);
}

bool HasIpv6(const Plan& plan) { return std::ranges::any_of(plan.addresses, &base::Address::IsV6); }

std::string ToString(const Plan& plan) {
  std::string text;
  if (plan.nat) text += ToString(*plan.nat);
  for (const base::Address& address : plan.addresses) {
    text += fmt::format("address {} dev lo\n", base::ToString(address));
    text += fmt::format("route local default dev lo src {}\n", base::ToString(address));
  }
  for (const egress::Rule& rule : plan.policy.egress.allow)
    text += fmt::format("allow {}\n", egress::ToString(rule));
  for (const egress::Rule& rule : plan.policy.egress.deny)
    text += fmt::format("deny {}\n", egress::ToString(rule));
  if (plan.recording != Recording::kNo)
    text += fmt::format("allow every name, to be recorded{}\n",
                        plan.recording == Recording::kRefusing ? ", and reach nothing" : "");
  return text + os::nft::ToString(plan.table);
}

}  // namespace bailey::network
