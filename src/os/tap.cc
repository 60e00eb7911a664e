#include "os/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "os/file.h"

namespace bailey::os {

SysResult<Tap> MakeTap(const char* name) {
  // Of the namespace of who opens it (drivers/net/tun.c, tun_chr_open).
  auto file = Open(AT_FDCWD, "/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (!file) return std::unexpected(file.error());
  ifreq request = {};
  std::strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(file->Get(), TUNSETIFF, &request) != 0) return Fail(errno);
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen() || ::ioctl(socket.Get(), SIOCGIFINDEX, &request) != 0) return Fail(errno);
  return Tap{*std::move(file), static_cast<std::uint32_t>(request.ifr_ifindex)};
}

SysStatus KeepTap(const Tap& tap) {
  if (::ioctl(tap.fd.Get(), TUNSETPERSIST, 1) != 0) return Fail(errno);
  return {};
}

Netlink TapBatch(std::uint32_t index, const LinkAddress& own, std::span<const base::Address> guest,
                 const LinkAddress& guest_link) {
  Netlink batch;
  ifinfomsg link = {};
  link.ifi_index = static_cast<int>(index);
  batch.Begin(RTM_NEWLINK, NLM_F_ACK).Append(link).Put(IFLA_ADDRESS, own);
  // No address of IPv6 comes by itself.
  const std::uint8_t none = IN6_ADDR_GEN_MODE_NONE;
  batch.OpenNest(IFLA_AF_SPEC).OpenNest(AF_INET6);
  batch.Put(IFLA_INET6_ADDR_GEN_MODE, Bytes(&none, 1)).CloseNest().CloseNest();
  link.ifi_flags = link.ifi_change = IFF_UP;
  batch.Begin(RTM_NEWLINK, NLM_F_ACK).Append(link);
  for (const base::Address& address : guest) {
    const std::uint8_t family = address.IsV6() ? AF_INET6 : AF_INET;
    // Beside the routes that make every destination local, and more exact than these.
    rtmsg route = {};
    route.rtm_family = family;
    route.rtm_dst_len = static_cast<std::uint8_t>(address.Bits());
    route.rtm_table = RT_TABLE_LOCAL;
    route.rtm_protocol = RTPROT_STATIC;
    route.rtm_scope = address.IsV6() ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    route.rtm_type = RTN_UNICAST;
    batch.Begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK).Append(route);
    batch.Put(RTA_DST, address.Bytes()).PutNumber(RTA_OIF, index);
    ndmsg neighbour = {};
    neighbour.ndm_family = family;
    neighbour.ndm_ifindex = static_cast<int>(index);
    neighbour.ndm_state = NUD_PERMANENT;
    batch.Begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK).Append(neighbour);
    batch.Put(NDA_DST, address.Bytes()).Put(NDA_LLADDR, guest_link);
  }
  return batch;
}

}  // namespace bailey::os
