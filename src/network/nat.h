// Plain routing (mode = "nat"): a link of the sandbox's own, behind which pasta, a program of the
// host, opens the host's sockets. Which of them it may be asked for is up to rules inside.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "egress/decide.h"
#include "os/routed_link.h"
#include "policy/policy.h"

namespace bailey::network {

struct Nat {
  std::string program;              // pasta
  bool ipv4 = false, ipv6 = false;  // that the host has a way out by
  bool has_ipv6 = true;             // in the kernel
  bool resolver6 = false;           // the host's name server is one of IPv6
  bool operator==(const Nat&) const = default;
};
// One fact a line.
std::string ToString(const Nat& nat);

inline constexpr std::string_view kNatLink = "bailey";
// What a TUN device can carry.
inline constexpr std::uint32_t kNatMtu = 65520;

// What of it this host has. Errors say what is missing: pasta on `path` (as of PATH), /dev/net/tun,
// a default route.
base::Result<Nat> FindNat(std::string_view path);
// kUnsupported: what a policy says that plain routing cannot keep.
base::Status CheckNat(const policy::Network& policy);

// Everything, by TCP and UDP, besides what a policy says: special addresses stay closed without an
// entry of their own.
egress::Egress EgressOf(const egress::Egress& policy);
// Addresses of the link; of the sandbox's own, which nothing outside has.
std::vector<os::RoutedAddress> RoutedAddresses(const Nat& nat);
// Where the host's name server is found inside.
base::Address ResolverOf(const Nat& nat);
// pasta's command line. `holder`: a process that has the network and the user namespace open as
// these descriptors. `uid`: who calls.
std::vector<std::string> PastaWords(const Nat& nat, pid_t holder, int network, int user, uid_t uid);

}  // namespace bailey::network
