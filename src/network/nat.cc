#include "network/nat.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "os/file.h"
#include "os/inet.h"

namespace bailey::network {
namespace {

constexpr const char* kDevice = "/dev/net/tun";
constexpr os::RoutedAddress kRouted4 = {base::Address::V4(198, 18, 0, 1),
                                        base::Address::V4(198, 18, 0, 2)};
constexpr os::RoutedAddress kRouted6 = {base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 1}),
                                        base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 2})};
constexpr base::Address kResolver4 = base::Address::V4(198, 18, 0, 3);
constexpr base::Address kResolver6 = base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 3});

base::Error Lacks(std::string_view cause) {
  return base::Unsupported(fmt::format("make the network: mode \"nat\": {}", cause));
}

std::string FindPasta(std::string_view path) {
  for (const std::string_view directory : base::Split(path, ':')) {
    if (!directory.starts_with('/')) continue;
    std::string program = fmt::format("{}/pasta", directory);
    const auto found = os::Stat(AT_FDCWD, program.c_str(), true);
    if (found && S_ISREG(found->st_mode) && (found->st_mode & 0111)) return program;
  }
  return {};
}

// resolv.conf(5): of the first name server.
bool FirstResolverIsIpv6() {
  const auto text = os::ReadFile(AT_FDCWD, "/etc/resolv.conf", 65536);
  if (!text) return false;
  for (std::string_view line : base::Split(*text, '\n')) {
    if (!line.starts_with("nameserver")) continue;
    line.remove_prefix(std::string_view("nameserver").size());
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
    const auto address = base::ParseAddress(line.substr(0, line.find_first_of(" \t%")));
    if (address) return address->IsV6();
  }
  return false;
}

}  // namespace

std::string ToString(const Nat& nat) {
  std::string text = fmt::format("routed by {}\n", nat.program);
  for (const os::RoutedAddress& address : RoutedAddresses(nat)) {
    text += fmt::format("address {} dev {}\n", base::ToString(address.own), kNatLink);
    text += fmt::format("route default via {} dev {} src {}\n", base::ToString(address.gateway),
                        kNatLink, base::ToString(address.own));
  }
  return text;
}

base::Result<Nat> FindNat(std::string_view path) {
  Nat nat;
  nat.program = FindPasta(path);
  if (nat.program.empty()) return Lacks("pasta is not installed (package passt)");
  if (const auto device = os::Open(AT_FDCWD, kDevice, O_RDWR); !device)
    return Lacks(base::SystemError(kDevice, device.error().value).text);
  const auto socket6 = os::UnconnectedSocket(os::Transport::kUdp, true);
  nat.has_ipv6 = socket6 || socket6.error().value != EAFNOSUPPORT;
  const auto routes = os::OpenNetlink(os::NetlinkFamily::kRoute);
  if (!routes) return base::SystemError("find the host's default routes", routes.error().value);
  const auto has4 = os::HasDefaultRoute(routes->Get(), false);
  if (!has4) return base::SystemError("find the host's default routes", has4.error().value);
  nat.ipv4 = *has4;
  const auto has6 = os::HasDefaultRoute(routes->Get(), true);
  nat.ipv6 = nat.has_ipv6 && has6 && *has6;
  if (!nat.ipv4 && !nat.ipv6) return Lacks("this host has no default route");
  nat.resolver6 = nat.ipv6 && (!nat.ipv4 || FirstResolverIsIpv6());
  return nat;
}

base::Status CheckNat(const policy::Network& policy) {
  for (const egress::Rule& rule : policy.egress.deny) {
    if (!std::holds_alternative<base::AddressRange>(rule.target))
      return Lacks(
          fmt::format("deny \"{}\": it knows addresses and no names, for which there is "
                      "mode \"allow\"",
                      egress::ToString(rule)));
  }
  for (const egress::Rule& rule : policy.egress.allow) {
    const auto* const name = std::get_if<egress::Name>(&rule.target);
    if (name && name->host.Text() == egress::kHostName)
      return Lacks(fmt::format("allow \"{}\": the host's loopback needs mode \"allow\"",
                               egress::ToString(rule)));
  }
  const char* const limit = policy.out               ? "out"
                            : policy.idle            ? "idle"
                            : policy.total           ? "total"
                            : policy.proxy           ? "proxy"
                            : policy.proxy_variables ? "proxy-variables"
                                                     : nullptr;
  if (limit) return Lacks(fmt::format("[network] {} needs mode \"allow\"", limit));
  return {};
}

egress::Egress EgressOf(const egress::Egress& policy) {
  egress::Egress all = policy;
  for (const base::AddressRange& range :
       {base::AddressRange{base::Address::V4(0, 0, 0, 0), 0},
        base::AddressRange{base::Address::V6({0, 0, 0, 0, 0, 0, 0, 0}), 0}})
    for (const egress::Protocol protocol : {egress::Protocol::kTcp, egress::Protocol::kUdp})
      all.allow.push_back({range, {}, protocol});
  return all;
}

std::vector<os::RoutedAddress> RoutedAddresses(const Nat& nat) {
  std::vector<os::RoutedAddress> addresses;
  if (nat.ipv4) addresses.push_back(kRouted4);
  if (nat.ipv6) addresses.push_back(kRouted6);
  return addresses;
}

base::Address ResolverOf(const Nat& nat) { return nat.resolver6 ? kResolver6 : kResolver4; }

std::vector<std::string> PastaWords(const Nat& nat, pid_t holder, int network, int user,
                                    uid_t uid) {
  std::vector<std::string> words = {"pasta",
                                    "--foreground",
                                    "--quiet",
                                    "--no-map-gw",
                                    "--no-dhcp",
                                    "--no-dhcpv6",
                                    "--no-ra",
                                    "--tcp-ports",
                                    "none",
                                    "--udp-ports",
                                    "none",
                                    "--tcp-ns",
                                    "none",
                                    "--udp-ns",
                                    "none",
                                    "--ns-ifname",
                                    std::string(kNatLink),
                                    "--netns",
                                    fmt::format("/proc/{}/fd/{}", holder, network),
                                    "--userns",
                                    fmt::format("/proc/{}/fd/{}", holder, user),
                                    "--dns-forward",
                                    base::ToString(ResolverOf(nat))};
  if (!nat.ipv6) words.emplace_back("--ipv4-only");
  if (!nat.ipv4) words.emplace_back("--ipv6-only");
  // It would become nobody, who has no right to enter what root owns.
  if (uid == 0) words.insert(words.end(), {"--runas", "0"});
  return words;
}

}  // namespace bailey::network
