#include "os/links.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace bailey::os {
namespace {

// The first link of every network namespace (net/core/dev.c).
constexpr int kLoopback = 1;

std::uint8_t FamilyOf(const base::Address& address) { return address.IsV6() ? AF_INET6 : AF_INET; }

template <class T>
T Header(Bytes message) {
  T header = {};
  if (message.size() >= NLMSG_HDRLEN + sizeof(T))
    std::memcpy(&header, message.data() + NLMSG_HDRLEN, sizeof(T));
  return header;
}

std::string RangeText(Bytes bytes, unsigned length, std::uint8_t family) {
  auto address = base::Address::FromBytes(bytes);
  if (!address) {
    const std::vector<std::uint8_t> none(family == AF_INET6 ? 16 : 4);
    address = base::Address::FromBytes(none);
  }
  return fmt::format("{}/{}", base::ToString(*address), length);
}

std::uint32_t Number(Bytes bytes) {
  std::uint32_t number = 0;
  if (bytes.size() == sizeof(number)) std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

std::string AddressLine(std::string_view range, int link) {
  return fmt::format("address {} on {}", range, link);
}

std::string RouteLine(std::string_view kind, std::string_view range, std::uint32_t link,
                      std::string_view source) {
  return fmt::format("route {} {} on {} from {}", kind, range, link, source);
}

template <class T>
SysResult<std::vector<std::vector<std::uint8_t>>> Dump(int socket, std::uint16_t type) {
  Netlink request;
  request.Begin(type, NLM_F_DUMP).Append(T{});
  return Ask(socket, request.Data());
}

SysStatus DescribeUpLinks(int socket, std::vector<std::string>& lines) {
  Netlink request;
  request.Begin(RTM_GETLINK, NLM_F_DUMP).Append(ifinfomsg{});
  request.PutNumber(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);  // nine tenths of an answer
  const auto links = Ask(socket, request.Data());
  if (!links) return std::unexpected(links.error());
  for (const auto& message : *links) {
    const auto link = Header<ifinfomsg>(message);
    if (link.ifi_index != kLoopback && (link.ifi_flags & IFF_UP))
      lines.push_back(fmt::format("link {} is up", link.ifi_index));
  }
  return {};
}

SysStatus DescribeAddresses(int socket, std::vector<std::string>& lines) {
  const auto addresses = Dump<ifaddrmsg>(socket, RTM_GETADDR);
  if (!addresses) return std::unexpected(addresses.error());
  for (const auto& message : *addresses) {
    const auto header = Header<ifaddrmsg>(message);
    const auto attributes = Attributes(message, NLMSG_HDRLEN + sizeof(ifaddrmsg));
    std::string line = AddressLine(
        RangeText(Find(attributes, IFA_ADDRESS), header.ifa_prefixlen, header.ifa_family),
        static_cast<int>(header.ifa_index));
    // Only where the address is of a pair is it another than what the range says.
    const auto own = base::Address::FromBytes(Find(attributes, IFA_LOCAL));
    if (own && !std::ranges::equal(own->Bytes(), Find(attributes, IFA_ADDRESS)))
      line += fmt::format(" as {}", base::ToString(*own));
    if (line != AddressLine("::1/128", kLoopback)) lines.push_back(std::move(line));
  }
  return {};
}

SysStatus DescribeRoutes(int socket, std::vector<std::string>& lines) {
  const auto routes = Dump<rtmsg>(socket, RTM_GETROUTE);
  if (!routes) return std::unexpected(routes.error());
  for (const auto& message : *routes) {
    const auto header = Header<rtmsg>(message);
    const auto attributes = Attributes(message, NLMSG_HDRLEN + sizeof(rtmsg));
    const std::uint32_t link = Number(Find(attributes, RTA_OIF));
    // With an address come routes to it, and with IPv6 one for multicast; the addresses of every
    // link are lines of their own.
    if (header.rtm_protocol == RTPROT_KERNEL) continue;
    const auto source = base::Address::FromBytes(Find(attributes, RTA_PREFSRC));
    const std::string kind =
        header.rtm_type == RTN_LOCAL ? "local" : fmt::format("type {}", header.rtm_type);
    lines.push_back(
        RouteLine(kind, RangeText(Find(attributes, RTA_DST), header.rtm_dst_len, header.rtm_family),
                  link, source ? base::ToString(*source) : "anything"));
  }
  return {};
}

void PutAddress(Netlink& batch, const base::Address& address, std::uint16_t flags) {
  ifaddrmsg header = {};
  header.ifa_family = FamilyOf(address);
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.Bits());
  header.ifa_flags = IFA_F_NODAD;
  header.ifa_scope = RT_SCOPE_UNIVERSE;
  header.ifa_index = kLoopback;
  batch.Begin(RTM_NEWADDR, static_cast<std::uint16_t>(NLM_F_CREATE | NLM_F_EXCL | flags))
      .Append(header);
  batch.Put(IFA_LOCAL, address.Bytes()).Put(IFA_ADDRESS, address.Bytes());
}

}  // namespace

Netlink LoopbackAddress(const base::Address& address) {
  Netlink batch;
  PutAddress(batch, address, NLM_F_ACK);
  return batch;
}

Netlink LoopbackBatch(const std::vector<base::Address>& addresses) {
  Netlink batch;
  ifinfomsg up = {};
  up.ifi_index = kLoopback;
  up.ifi_flags = up.ifi_change = IFF_UP;
  batch.Begin(RTM_NEWLINK, 0).Append(up);
  for (const base::Address& address : addresses) PutAddress(batch, address, 0);
  for (const base::Address& address : addresses) {
    rtmsg header = {};
    header.rtm_family = FamilyOf(address);
    header.rtm_table = RT_TABLE_LOCAL;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = RT_SCOPE_HOST;
    header.rtm_type = RTN_LOCAL;
    batch.Begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL).Append(header);
    batch.PutNumber(RTA_OIF, kLoopback).Put(RTA_PREFSRC, address.Bytes());
  }
  return batch.Acknowledge();
}

SysResult<std::vector<std::string>> DescribeLinks(int route_socket) {
  std::vector<std::string> lines;
  if (auto done = DescribeUpLinks(route_socket, lines); !done) return std::unexpected(done.error());
  if (auto done = DescribeAddresses(route_socket, lines); !done)
    return std::unexpected(done.error());
  if (auto done = DescribeRoutes(route_socket, lines); !done) return std::unexpected(done.error());
  std::ranges::sort(lines);
  return lines;
}

std::vector<std::string> LoopbackLines(const std::vector<base::Address>& addresses) {
  std::vector<std::string> lines = {AddressLine("127.0.0.1/8", kLoopback)};
  for (const base::Address& address : addresses) {
    lines.push_back(AddressLine(RangeText(address.Bytes(), address.Bits(), 0), kLoopback));
    lines.push_back(RouteLine("local", address.IsV6() ? "::/0" : "0.0.0.0/0", kLoopback,
                              base::ToString(address)));
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace bailey::os
