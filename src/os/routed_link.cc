#include "os/routed_link.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace bailey::os {
namespace {

std::uint8_t FamilyOf(const base::Address& address) { return address.IsV6() ? AF_INET6 : AF_INET; }

SysStatus Send(int socket, const Netlink& batch) {
  return Transact(socket, batch.Data(), batch.Acknowledgements());
}

ifinfomsg OfLink(int link) {
  ifinfomsg header = {};
  header.ifi_index = link;
  return header;
}

// What neighbours of IPv6 are asked from.
constexpr base::Address kLinkLocal = base::Address::V6({0xfe80, 0, 0, 0, 0, 0, 0, 1});

std::vector<base::Address> OwnAddresses(const std::vector<RoutedAddress>& addresses) {
  std::vector<base::Address> own;
  for (const RoutedAddress& address : addresses) own.push_back(address.own);
  if (std::ranges::any_of(own, &base::Address::IsV6)) own.push_back(kLinkLocal);
  return own;
}

// Only the addresses that are given: the kernel would make one of IPv6 by itself.
SysStatus MakeNoAddresses(int socket, int link) {
  constexpr std::uint8_t kNone[] = {IN6_ADDR_GEN_MODE_NONE};
  Netlink batch;
  batch.Begin(RTM_NEWLINK, NLM_F_ACK).Append(OfLink(link));
  batch.OpenNest(IFLA_AF_SPEC).OpenNest(AF_INET6);
  batch.Put(IFLA_INET6_ADDR_GEN_MODE, Bytes(kNone)).CloseNest().CloseNest();
  const auto done = Send(socket, batch);
  // Without IPv6 in the kernel there are none.
  return !done && done.error().value == EAFNOSUPPORT ? SysStatus() : done;
}

ndmsg Neighbour(int link, const base::Address& address) {
  ndmsg header = {};
  header.ndm_family = FamilyOf(address);
  header.ndm_ifindex = link;
  return header;
}

}  // namespace

SysResult<std::optional<int>> FindLink(int route_socket, std::string_view name) {
  Netlink request;
  request.Begin(RTM_GETLINK, 0).Append(ifinfomsg{}).Put(IFLA_IFNAME, name);
  const auto answers = Ask(route_socket, request.Data());
  if (!answers && answers.error().value == ENODEV) return std::nullopt;
  if (!answers) return std::unexpected(answers.error());
  ifinfomsg link = {};
  if (answers->empty() || answers->front().size() < NLMSG_HDRLEN + sizeof(link))
    return Fail(EPROTO);
  std::memcpy(&link, answers->front().data() + NLMSG_HDRLEN, sizeof(link));
  return link.ifi_index;
}

SysStatus SetUpLink(int route_socket, int link, std::uint32_t mtu,
                    const std::vector<RoutedAddress>& addresses) {
  if (const auto done = MakeNoAddresses(route_socket, link); !done) return done;
  Netlink batch;
  ifinfomsg up = OfLink(link);
  up.ifi_flags = up.ifi_change = IFF_UP;
  batch.Begin(RTM_NEWLINK, NLM_F_ACK).Append(up).PutNumber(IFLA_MTU, mtu);
  for (const base::Address& own : OwnAddresses(addresses)) {
    ifaddrmsg header = {};
    header.ifa_family = FamilyOf(own);
    header.ifa_prefixlen = static_cast<std::uint8_t>(own.Bits());
    header.ifa_flags = IFA_F_NODAD;
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = static_cast<std::uint32_t>(link);
    batch.Begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK).Append(header);
    batch.Put(IFA_LOCAL, own.Bytes()).Put(IFA_ADDRESS, own.Bytes());
  }
  for (const RoutedAddress& address : addresses) {
    rtmsg header = {};
    header.rtm_family = FamilyOf(address.own);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    header.rtm_flags = RTNH_F_ONLINK;
    batch.Begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK).Append(header);
    batch.Put(RTA_GATEWAY, address.gateway.Bytes())
        .PutNumber(RTA_OIF, static_cast<std::uint32_t>(link))
        .Put(RTA_PREFSRC, address.own.Bytes());
  }
  return Send(route_socket, batch);
}

std::vector<std::string> RoutedLines(int link, const std::vector<RoutedAddress>& addresses) {
  std::vector<std::string> lines = {fmt::format("link {} is up", link)};
  for (const base::Address& own : OwnAddresses(addresses))
    lines.push_back(fmt::format("address {}/{} on {}", base::ToString(own), own.Bits(), link));
  for (const RoutedAddress& address : addresses)
    lines.push_back(fmt::format("route type {} {} on {} from {}", RTN_UNICAST,
                                address.own.IsV6() ? "::/0" : "0.0.0.0/0", link,
                                base::ToString(address.own)));
  std::ranges::sort(lines);
  return lines;
}

SysStatus AskForNeighbour(int route_socket, int link, const base::Address& address) {
  ndmsg header = Neighbour(link, address);
  header.ndm_flags = NTF_USE;
  Netlink batch;
  batch.Begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK).Append(header);
  return Send(route_socket, batch.Put(NDA_DST, address.Bytes()));
}

SysResult<bool> HasNeighbour(int route_socket, int link, const base::Address& address) {
  Netlink request;
  request.Begin(RTM_GETNEIGH, 0).Append(Neighbour(link, address)).Put(NDA_DST, address.Bytes());
  const auto answers = Ask(route_socket, request.Data());
  if (!answers && answers.error().value == ENOENT) return false;
  if (!answers) return std::unexpected(answers.error());
  ndmsg found = {};
  if (answers->empty() || answers->front().size() < NLMSG_HDRLEN + sizeof(found))
    return Fail(EPROTO);
  std::memcpy(&found, answers->front().data() + NLMSG_HDRLEN, sizeof(found));
  constexpr unsigned kKnown = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;
  return (found.ndm_state & kKnown) != 0;
}

SysResult<bool> HasDefaultRoute(int route_socket, bool v6) {
  rtmsg family = {};
  family.rtm_family = v6 ? AF_INET6 : AF_INET;
  Netlink request;
  request.Begin(RTM_GETROUTE, NLM_F_DUMP).Append(family);
  const auto routes = Ask(route_socket, request.Data());
  if (!routes) return std::unexpected(routes.error());
  return std::ranges::any_of(*routes, [](const std::vector<std::uint8_t>& message) {
    rtmsg route = {};
    if (message.size() < NLMSG_HDRLEN + sizeof(route)) return false;
    std::memcpy(&route, message.data() + NLMSG_HDRLEN, sizeof(route));
    return route.rtm_dst_len == 0 && route.rtm_type == RTN_UNICAST &&
           route.rtm_table == RT_TABLE_MAIN;
  });
}

}  // namespace bailey::os
