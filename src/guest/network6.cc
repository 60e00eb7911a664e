#include "guest/network6.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bailey::guest {
namespace {

constexpr std::uint8_t kWhole = 128;

// One request, and what the kernel answers.
class Request {
 public:
  template <class Header>
  Request(std::uint16_t type, const Header& header) {
    static_assert(NLMSG_SPACE(sizeof(Header)) <= sizeof(bytes_));
    auto* const message = reinterpret_cast<nlmsghdr*>(bytes_);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    memcpy(NLMSG_DATA(message), &header, sizeof(header));
    size_ = NLMSG_SPACE(sizeof(Header));
  }
  Request& Put(std::uint16_t type, const void* value, std::size_t size) {
    if (size_ + RTA_SPACE(size) > sizeof(bytes_)) return *this;
    auto* const attribute = reinterpret_cast<rtattr*>(bytes_ + size_);
    attribute->rta_type = type;
    attribute->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
    memcpy(RTA_DATA(attribute), value, size);
    size_ += RTA_SPACE(size);
    return *this;
  }
  template <class Value>
  Request& Put(std::uint16_t type, const Value& value) {
    return Put(type, &value, sizeof(value));
  }
  int Send(int socket) {
    auto* const message = reinterpret_cast<nlmsghdr*>(bytes_);
    message->nlmsg_len = static_cast<std::uint32_t>(size_);
    if (::send(socket, bytes_, size_, 0) < 0) return errno;
    struct {
      nlmsghdr header;
      nlmsgerr error;
    } answer = {};
    const ssize_t size = ::recv(socket, &answer, sizeof(answer), 0);
    if (size < 0) return errno;
    if (size < static_cast<ssize_t>(sizeof(answer)) || answer.header.nlmsg_type != NLMSG_ERROR)
      return EPROTO;
    return -answer.error.error;
  }

 private:
  alignas(nlmsghdr) char bytes_[256] = {};
  std::size_t size_ = 0;
};

int AddAddress(int socket, const Network& network, int interface) {
  ifaddrmsg address = {};
  address.ifa_family = AF_INET6;
  address.ifa_prefixlen = kWhole;
  address.ifa_flags = IFA_F_NODAD;
  address.ifa_scope = RT_SCOPE_UNIVERSE;
  address.ifa_index = static_cast<std::uint32_t>(interface);
  return Request(RTM_NEWADDR, address).Put(IFA_ADDRESS, network.address6).Send(socket);
}

int AddNeighbour(int socket, const Network& network, int interface) {
  ndmsg neighbour = {};
  neighbour.ndm_family = AF_INET6;
  neighbour.ndm_ifindex = interface;
  neighbour.ndm_state = NUD_PERMANENT;
  return Request(RTM_NEWNEIGH, neighbour)
      .Put(NDA_DST, network.gateway6)
      .Put(NDA_LLADDR, network.gateway_link)
      .Send(socket);
}

rtmsg Route(std::uint8_t length) {
  rtmsg route = {};
  route.rtm_family = AF_INET6;
  route.rtm_dst_len = length;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_STATIC;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  return route;
}

int Configure(int socket, const Network& network, int interface) {
  if (const int error = AddAddress(socket, network, interface)) return error;
  if (const int error = AddNeighbour(socket, network, interface)) return error;
  if (const int error = Request(RTM_NEWROUTE, Route(kWhole))
                            .Put(RTA_DST, network.gateway6)
                            .Put(RTA_OIF, interface)
                            .Send(socket))
    return error;
  return Request(RTM_NEWROUTE, Route(0))
      .Put(RTA_GATEWAY, network.gateway6)
      .Put(RTA_OIF, interface)
      .Send(socket);
}

}  // namespace

int ConfigureIpv6(const Network& network, int interface) {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (socket < 0) return errno;
  const int error = Configure(socket, network, interface);
  ::close(socket);
  return error;
}

}  // namespace bailey::guest
