#include "network/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

#include "network/families.h"
#include "os/links.h"
#include "os/process.h"

namespace bailey::network {
namespace {

using egress::Protocol;
using egress::RuleList;
namespace nft = os::nft;

egress::Egress Make(std::initializer_list<const char*> allow,
                    std::initializer_list<const char*> deny) {
  egress::Egress egress;
  for (const char* text : allow) egress.allow.push_back(*egress::ParseRule(text, RuleList::kAllow));
  for (const char* text : deny) egress.deny.push_back(*egress::ParseRule(text, RuleList::kDeny));
  return egress;
}

int Holding(const std::vector<nft::Element>& elements, const base::Address& address,
            std::uint16_t port) {
  return static_cast<int>(std::ranges::count_if(elements, [&](const nft::Element& element) {
    return element.protocol == IPPROTO_TCP && element.first <= address && address <= element.last &&
           element.low <= port && port <= element.high;
  }));
}

// The kernel's set and the gateway's decision are computed apart; they must agree.
TEST(AllowedRanges, AreWhatIsDecided) {
  const char* const kAllow[] = {"0.0.0.0/0:443",      "10.0.0.0/8:80-90",  "10.1.0.0/16:443",
                                "192.0.2.0/24:*",     "203.0.113.7:1-500", "169.254.169.254:80",
                                "[::/0]:443",         "[fd00::/8]:80",     "[2001:db8::/32]:1-444",
                                "192.168.0.0/16:443", "128.0.0.0/1:80"};
  const char* const kDeny[] = {"10.1.2.0/24:*", "192.0.2.128/25:22-100", "0.0.0.0/2:443",
                               "[2001:db8:1::/48]:443", "[fd12::/16]:80"};
  std::mt19937 random(17);
  int allowed = 0, checked = 0;
  for (int round = 0; round < 300; ++round) {
    egress::Egress egress;
    for (const char* text : kAllow)
      if (random() % 3 == 0) egress.allow.push_back(*egress::ParseRule(text, RuleList::kAllow));
    for (const char* text : kDeny)
      if (random() % 3 == 0) egress.deny.push_back(*egress::ParseRule(text, RuleList::kDeny));
    const auto elements = AllowedRanges(egress);
    std::vector<base::Address> addresses;
    for (const auto* rules : {&egress.allow, &egress.deny}) {
      for (const egress::Rule& rule : *rules) {
        const auto& range = std::get<base::AddressRange>(rule.target);
        for (const base::Address& edge : {range.first, range.Last()})
          addresses.insert(addresses.end(), {edge, edge.Plus(1), edge.Previous()});
      }
    }
    for (const char* text : {"10.1.2.3", "10.200.0.1", "169.254.169.254", "127.0.0.1", "192.0.2.1",
                             "198.18.0.5", "8.8.8.8", "fd12::1", "fdff::1", "2001:db8:1::1", "::1"})
      addresses.push_back(*base::ParseAddress(text));
    for (const base::Address& address : addresses) {
      for (const int port : {1, 22, 79, 80, 90, 91, 443, 444, 500, 65535}) {
        const auto number = static_cast<std::uint16_t>(port);
        const bool want = egress.Decide(address, number, Protocol::kTcp).allowed;
        ASSERT_EQ(Holding(elements, address, number), want ? 1 : 0)
            << base::ToString(base::Endpoint{address, number});
        allowed += want;
        ++checked;
      }
    }
  }
  EXPECT_GT(allowed, 1000);
  EXPECT_GT(checked - allowed, 1000);
}

TEST(ElementsOf, FewPortsAreSingle) {
  const base::Address address = *base::ParseAddress("198.18.1.0");
  const NameElements few =
      ElementsOf(address, {{Protocol::kTcp, {80, 81}}, {Protocol::kUdp, {53, 53}}});
  EXPECT_EQ(few.pairs.size(), 3u);
  EXPECT_TRUE(few.ranges.empty());
  const NameElements many = ElementsOf(address, {{Protocol::kTcp, {1, 65535}}});
  EXPECT_TRUE(many.pairs.empty());
  EXPECT_THAT(many.ranges,
              testing::ElementsAre(nft::Element{address, address, IPPROTO_TCP, 1, 65535}));
}

// Runs `act` in a network namespace of its own; what it returns is compared with "".
template <class F>
void Inside(F act) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    std::string said = "no namespace";
    // As root the namespace alone; else with a user namespace that owns it.
    const std::uint32_t wanted =
        os::kNetworkNamespace | (::geteuid() == 0 ? 0u : std::uint32_t{os::kUserNamespace});
    if (os::Unshare(wanted)) said = act();
    (void)!::write(ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    said.append(buffer.data(), static_cast<std::size_t>(size));
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(said, "");
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string Apply(const Plan& plan, int route, int netfilter) {
  const os::Netlink links = os::LoopbackBatch(plan.addresses);
  if (const auto done = os::Transact(route, links.Data(), links.Acknowledgements()); !done)
    return "links: " + std::to_string(done.error().value);
  const os::Netlink table = nft::Batch(plan.table);
  if (const auto done = os::Transact(netfilter, table.Data(), table.Acknowledgements()); !done)
    return "table: " + std::to_string(done.error().value);
  return "";
}

Plan Example() {
  policy::Network policy;
  policy.egress =
      Make({"0.0.0.0/0:443", "10.1.0.0/16:5432", "[2001:db8::/32]:80-90/udp", "a.test:80"},
           {"192.0.2.0/24:443"});
  return MakePlan(policy);
}

std::string AppliedAndReadBack(const Plan& plan) {
  const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
  const auto netfilter = os::OpenNetlink(os::NetlinkFamily::kNetfilter);
  if (!route || !netfilter) return "no netlink";
  if (const std::string fault = Apply(plan, route->Get(), netfilter->Get()); !fault.empty())
    return fault;
  const auto lines = os::DescribeLinks(route->Get());
  if (!lines) return "describe: " + std::to_string(lines.error().value);
  if (*lines != os::LoopbackLines(plan.addresses))
    return Joined(*lines) + "is not\n" + Joined(os::LoopbackLines(plan.addresses));
  const auto differences = nft::Compare(netfilter->Get(), plan.table);
  return differences ? Joined(*differences) : "compare failed";
}

std::vector<std::string> SetsOf(const Plan& plan) {
  std::vector<std::string> names;
  for (const nft::Set& set : plan.table.sets) names.push_back(set.name);
  return names;
}

Plan Allowing(std::initializer_list<const char*> allow) {
  return MakePlan({.mode = policy::NetworkMode::kAllow, .egress = Make(allow, {})});
}

TEST(Plan, HasSetsOfRangesWhereSomethingIsOne) {
  const std::vector<std::string> pairs = {"pairs4", "pairs6"},
                                 all = {"pairs4", "ranges4", "pairs6", "ranges6"},
                                 ranges4 = {"pairs4", "ranges4", "pairs6"};
  EXPECT_EQ(SetsOf(Allowing({})), pairs);
  EXPECT_EQ(SetsOf(Allowing({"a.test:80-95", "*.b.test:80-90", "8.8.8.8:53/udp"})), pairs);
  EXPECT_EQ(SetsOf(Allowing({"a.test:80-96"})), all);
  EXPECT_EQ(SetsOf(Allowing({"a.test:80-89", "*.test:90-99"})), all);
  EXPECT_EQ(SetsOf(Allowing({"a.test:*"})), all);
  EXPECT_EQ(SetsOf(Allowing({"8.8.8.0/24:53", "a.test:443"})), ranges4);
  EXPECT_EQ(SetsOf(Allowing({"8.8.8.8:53-54"})), ranges4);
  Plan recorded = Allowing({"a.test:443"});
  Record(Recording::kReaching, recorded);
  EXPECT_EQ(SetsOf(recorded), all);
  EXPECT_EQ(SetsOf(MakePlanOfIpv4({}, RangeSets::kAlways)),
            (std::vector<std::string>{"pairs4", "ranges4"}));
}

// What has no set of its own is in the other, and nothing is in both.
TEST(Plan, SingleAddressesAndPortsArePairs) {
  const Plan plan = Allowing({"8.8.8.8:53", "9.9.9.0/24:53", "[2620:fe::fe]:53"});
  const auto elements = [&](std::string_view set) {
    return std::ranges::find(plan.table.sets, set, &nft::Set::name)->elements;
  };
  const auto element = [](const char* first, const char* last, std::uint16_t port) {
    return nft::Element{*base::ParseAddress(first), *base::ParseAddress(last), IPPROTO_TCP, port,
                        port};
  };
  EXPECT_THAT(elements("pairs4"), testing::ElementsAre(element("198.18.0.2", "198.18.0.2", 1),
                                                       element("8.8.8.8", "8.8.8.8", 53)));
  EXPECT_THAT(elements("ranges4"), testing::ElementsAre(element("9.9.9.0", "9.9.9.255", 53)));
  EXPECT_THAT(elements("pairs6"),
              testing::ElementsAre(element("fd0b:a11e:7e57::2", "fd0b:a11e:7e57::2", 1),
                                   element("2620:fe::fe", "2620:fe::fe", 53)));
  Inside([&]() { return AppliedAndReadBack(plan); });
}

TEST(Plan, RecordsEveryNameButTheHostsOwn) {
  Plan plan = MakePlan({.mode = policy::NetworkMode::kAllow});
  const auto name = *egress::Host::Parse("a.test"), host = *egress::Host::Parse("host.bailey");
  EXPECT_FALSE(DecideName(plan, name, 443, egress::Protocol::kTcp).allowed);
  EXPECT_TRUE(PortsOfName(plan, name).empty());
  for (const Recording recording : {Recording::kRefusing, Recording::kReaching}) {
    Record(recording, plan);
    EXPECT_TRUE(DecideName(plan, name, 443, egress::Protocol::kTcp).allowed);
    EXPECT_EQ(PortsOfName(plan, name).size(), 2u);
    EXPECT_FALSE(DecideName(plan, host, 443, egress::Protocol::kTcp).allowed);
    EXPECT_TRUE(PortsOfName(plan, host).empty());
  }
}

TEST(Plan, IsReadBackAsItWasApplied) {
  Inside([]() { return AppliedAndReadBack(Example()); });
}

TEST(Plan, OfIpv4AloneHasNothingOfIpv6) {
  const Plan plan = MakePlanOfIpv4(Example().policy);
  EXPECT_TRUE(HasIpv6(Example()));
  EXPECT_FALSE(HasIpv6(plan));
  for (const char* const word : {"ip6", "ipv6", "::"})
    EXPECT_THAT(os::nft::ToString(plan.table), testing::Not(testing::HasSubstr(word)));
  Inside([&]() { return AppliedAndReadBack(plan); });
}

TEST(Plan, EveryChangeIsSeen) {
  Inside([]() -> std::string {
    const Plan plan = Example();
    const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
    const auto netfilter = os::OpenNetlink(os::NetlinkFamily::kNetfilter);
    if (const std::string fault = Apply(plan, route->Get(), netfilter->Get()); !fault.empty())
      return fault;
    std::vector<nft::Table> others;
    for (std::size_t c = 0; c < plan.table.chains.size(); ++c) {
      for (std::size_t r = 0; r < plan.table.chains[c].rules.size(); ++r) {
        others.push_back(plan.table);
        auto& rules = others.back().chains[c].rules;
        rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(r));
        for (std::size_t e = 0; e < plan.table.chains[c].rules[r].expressions.size(); ++e) {
          others.push_back(plan.table);
          auto& expressions = others.back().chains[c].rules[r].expressions;
          expressions.erase(expressions.begin() + static_cast<std::ptrdiff_t>(e));
          others.push_back(plan.table);
          auto& expression = others.back().chains[c].rules[r].expressions[e];
          if (auto* match = std::get_if<nft::Match>(&expression))
            match->value[0] ^= 1;
          else if (auto* set = std::get_if<nft::InSet>(&expression))
            set->set += "x";
          else if (auto* load = std::get_if<nft::LoadPacket>(&expression))
            ++load->offset;
          else if (auto* value = std::get_if<nft::LoadValue>(&expression))
            value->value[0] ^= 1;
          else if (auto* mask = std::get_if<nft::And>(&expression))
            mask->mask[0] ^= 1;
          else
            others.pop_back();
        }
      }
      others.push_back(plan.table);
      others.back().chains[c].drop = !others.back().chains[c].drop;
      others.push_back(plan.table);
      ++others.back().chains[c].priority;
    }
    for (std::size_t s = 0; s < plan.table.sets.size(); ++s) {
      others.push_back(plan.table);
      others.back().sets[s].elements.push_back(
          {*base::ParseAddress("192.0.2.1"), *base::ParseAddress("192.0.2.1"), IPPROTO_TCP, 1, 1});
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
      const auto differences = nft::Compare(netfilter->Get(), others[i]);
      if (!differences) return "compare failed";
      if (differences->empty()) return "change " + std::to_string(i) + " was not seen";
    }
    return others.size() > 100 ? "" : "few changes";
  });
}

// nft(8), which is another reader and writer of the same tables, says of ours what it says of the
// text that the plan prints.
std::string ListedByNft() {
  std::FILE* pipe = ::popen("nft --stateless list table inet bailey 2>&1", "re");
  if (!pipe) return "no nft";
  std::string text;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe)) text += buffer.data();
  ::pclose(pipe);
  return text;
}

// `word`: of the rules, to be found in the listing.
void ExpectNftReadsTheSame(const Plan& plan, const char* word) {
  Inside([&]() -> std::string {
    const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
    const auto netfilter = os::OpenNetlink(os::NetlinkFamily::kNetfilter);
    if (const std::string fault = Apply(plan, route->Get(), netfilter->Get()); !fault.empty())
      return fault;
    const std::string ours = ListedByNft();
    std::FILE* pipe = ::popen("nft delete table inet bailey && nft -f - 2>&1", "we");
    const std::string text = nft::ToString(plan.table);
    std::fputs(text.c_str(), pipe);
    if (::pclose(pipe) != 0) return "nft does not read:\n" + text;
    const std::string theirs = ListedByNft();
    if (ours.find(word) == std::string::npos) return "nothing is listed:\n" + ours;
    return ours == theirs ? "" : ours + "is not\n" + theirs;
  });
}

TEST(Plan, NftReadsTheSame) {
  if (::access("/usr/sbin/nft", X_OK) != 0) GTEST_SKIP() << "SKIP: nft is not installed";
  ExpectNftReadsTheSame(Example(), "tproxy");
}

TEST(Plan, NftReadsTheSameOfPlainRouting) {
  if (::access("/usr/sbin/nft", X_OK) != 0) GTEST_SKIP() << "SKIP: nft is not installed";
  const policy::Network network{
      .mode = policy::NetworkMode::kNat,
      .egress = Make({"10.7.0.0/16:80", "[fd00::5]:443/udp"}, {"192.0.2.0/24:25"})};
  ExpectNftReadsTheSame(MakeNatPlan(network, {.program = "pasta", .ipv4 = true, .ipv6 = true}),
                        "nd-neighbor-solicit");
}

TEST(Plan, NamesAreAddedLater) {
  Inside([]() -> std::string {
    Plan plan = Example();
    const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
    const auto netfilter = os::OpenNetlink(os::NetlinkFamily::kNetfilter);
    if (const std::string fault = Apply(plan, route->Get(), netfilter->Get()); !fault.empty())
      return fault;
    const base::Address address = *base::ParseAddress("198.18.1.0");
    const auto elements = ElementsOf(address, {{Protocol::kTcp, {1, 100}}});
    const nft::Set more{std::string(RangeSet(false)), false, true, elements.ranges};
    const os::Netlink batch = nft::AddElements(plan.table.name, more);
    if (!os::Transact(netfilter->Get(), batch.Data(), batch.Acknowledgements())) return "not added";
    for (nft::Set& set : plan.table.sets)
      if (set.name == more.name)
        set.elements.insert(set.elements.end(), more.elements.begin(), more.elements.end());
    const auto differences = nft::Compare(netfilter->Get(), plan.table);
    return differences ? Joined(*differences) : "compare failed";
  });
}

}  // namespace
}  // namespace bailey::network
