// The inside of a sandbox's network as a value: addresses, routes, rules and sockets of a namespace
// in which every destination is local and leads to the gateway.
//
//   const auto plan = network::MakePlan(policy.network);
//   fmt::print("{}", network::ToString(plan));          // bailey run --dry-run
//
// A packet that the program sends meets the chain "out" first: what is not among the allowed
// destinations is refused there and then. The rest goes over lo to the chain "in", which hands it
// to the gateway's sockets (TPROXY); these are made inside and held by the gateway outside.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "network/nat.h"
#include "os/nftables.h"
#include "policy/policy.h"

namespace bailey::network {

// Own addresses of every sandbox, and of the gateway as it is seen inside.
inline constexpr base::Address kOwn4 = base::Address::V4(198, 18, 0, 1);
inline constexpr base::Address kProbe4 = base::Address::V4(198, 18, 0, 2);
inline constexpr base::Address kOwn6 = base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 1});
inline constexpr base::Address kProbe6 = base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 2});
inline constexpr std::uint16_t kProbePort = 1;
// A name that the gateway answers itself, and what it says there.
inline constexpr std::string_view kProbeName = "gateway.bailey";
inline constexpr std::string_view kProbeText = "bailey\n";

inline constexpr std::uint16_t kResolverPort = 53;
inline constexpr std::uint16_t kProxyPort = 3128;
// Where packets for others are taken out of the kernel; in a part of the loopback network that
// programs have no use for.
inline constexpr base::Endpoint kTrap4 = {base::Address::V4(127, 255, 255, 254), 1};
inline constexpr base::Endpoint kTrap6 = {base::Address::V6({0, 0, 0, 0, 0, 0, 0, 1}), 1};
inline constexpr std::uint16_t kLogGroup = 1;
inline constexpr std::uint32_t kLogBytes = 64;  // both headers

// While a program is learned, every name is one, whatever the policy's entries are.
enum class Recording : std::uint8_t {
  kNo,
  kRefusing,  // what may be reached is recorded, and not dialled: nothing leaves the host
  kReaching,  // it is reached
};

// Where what comes from outside goes on to (policy::Network::listen): an address inside, at its own
// port, or at one from `first_port` on in the order of the policy's.
struct InwardTo {
  base::Address address = base::Address::V4(127, 0, 0, 1);
  std::uint16_t first_port = 0;
  bool operator==(const InwardTo&) const = default;
};

struct Plan {
  std::vector<base::Address> addresses;  // of lo, beside its own
  os::nft::Table table;
  policy::Network policy;
  bool landlock = true;       // the gateway's worker is under it
  bool tells_allowed = true;  // not only what is refused
  Recording recording = Recording::kNo;
  InwardTo inward;
  std::optional<Nat> nat;  // in place of the gateway, pasta routes; the rules are around it
  bool operator==(const Plan&) const = default;
};

// Sets of ranges: where the policy's entries need them, or for whoever adds to them too.
enum class RangeSets : std::uint8_t { kNeeded, kAlways };

Plan MakePlan(const policy::Network& policy, RangeSets range_sets = RangeSets::kNeeded);
// From now on it records.
void Record(Recording recording, Plan& plan);
// In mode "nat": what the host reaches, but special addresses without an entry of their own.
Plan MakeNatPlan(const policy::Network& policy, const Nat& nat);
std::string ToString(const Plan& plan);
// What /etc/resolv.conf is inside.
std::string ResolverFile(const std::optional<Nat>& nat = {});
// Variables for programs that insist on a proxy, in both spellings that are in use.
std::vector<std::pair<std::string, std::string>> ProxyVariables();

// The destinations that entries with an address allow, without those that are denied or need an
// entry of their own; disjoint.
std::vector<os::nft::Element> AllowedRanges(const egress::Egress& egress);

// What the plan says of a name: its policy, but where it records.
egress::Verdict DecideName(const Plan& plan, const egress::Host& host, std::uint16_t port,
                           egress::Protocol protocol);
std::vector<egress::PortSet> PortsOfName(const Plan& plan, const egress::Host& host);

// Names of the sets that the rules ask, by family.
std::string_view PairSet(bool v6);
std::string_view RangeSet(bool v6);
// The elements by which a name's address is reachable at these ports: single pairs for few ports,
// ranges for many.
struct NameElements {
  std::vector<os::nft::Element> pairs, ranges;
  bool operator==(const NameElements&) const = default;
};
NameElements ElementsOf(const base::Address& address, const std::vector<egress::PortSet>& ports);

}  // namespace bailey::network
