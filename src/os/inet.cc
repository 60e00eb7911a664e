#include "os/inet.h"

#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bailey::os {
namespace {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* Get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* Get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const base::Endpoint& endpoint) {
  SocketAddress address;
  const auto bytes = endpoint.address.Bytes();
  if (endpoint.address.IsV6()) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    address.size = sizeof(v6);
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    address.size = sizeof(v4);
  }
  return address;
}

base::Endpoint ToEndpoint(const sockaddr_storage& storage) {
  base::Endpoint endpoint;
  std::array<std::uint8_t, 16> bytes{};
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    std::memcpy(bytes.data(), &v6.sin6_addr, 16);
    endpoint.address = *base::Address::FromBytes(bytes);
    endpoint.port = ntohs(v6.sin6_port);
  } else if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(bytes.data(), &v4.sin_addr, 4);
    endpoint.address = *base::Address::FromBytes(std::span(bytes).first(4));
    endpoint.port = ntohs(v4.sin_port);
  }
  return endpoint;
}

SysStatus SetOption(int socket, int level, int name, int value) {
  return Check(::setsockopt(socket, level, name, &value, sizeof(value)));
}

SysResult<base::UniqueFd> MakeSocket(bool v6, int type, int protocol) {
  base::UniqueFd socket(
      ::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket.IsOpen()) return LastErrno();
  return socket;
}

// The sum of 16-bit words of RFC 1071, not yet folded.
std::uint32_t Sum(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (bytes.size() % 2) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  return (sum & 0xffff) + (sum >> 16);
}

void Put16(std::uint8_t* at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

constexpr std::size_t kUdpHeader = 8;

// The header of the network layer, for a payload of `size` bytes behind it.
std::size_t PutNetworkHeader(std::span<std::uint8_t, 40> out, const base::Address& from,
                             const base::Address& to, std::uint8_t protocol, std::size_t size) {
  const auto source = from.Bytes();
  const auto destination = to.Bytes();
  if (from.IsV6()) {
    out[0] = 0x60;
    Put16(&out[4], size);
    out[6] = protocol;
    out[7] = 64;
    std::ranges::copy(source, out.begin() + 8);
    std::ranges::copy(destination, out.begin() + 24);
    return 40;
  }
  out[0] = 0x45;
  Put16(&out[2], size + 20);
  out[8] = 64;
  out[9] = protocol;
  std::ranges::copy(source, out.begin() + 12);
  std::ranges::copy(destination, out.begin() + 16);
  return 20;  // the kernel fills in length, id and checksum
}

// The complement of what was summed (RFC 1071).
std::uint16_t Checksum(std::uint32_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)));
}

// The pseudo header of RFC 768 and RFC 8200: addresses, length, protocol.
std::uint32_t SumOfPseudoHeader(const base::Address& from, const base::Address& to,
                                std::uint8_t protocol, std::size_t size) {
  return Sum(to.Bytes(), Sum(from.Bytes(), static_cast<std::uint32_t>(size) + protocol));
}

SysStatus SendRaw(int raw, std::span<iovec> parts, const base::Address& to) {
  SocketAddress address = ToSocketAddress({to, 0});  // raw sockets of IPv6 want no port
  msghdr message = {};
  message.msg_name = address.Get();
  message.msg_namelen = address.size;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return Check(::sendmsg(raw, &message, MSG_NOSIGNAL));
}

}  // namespace

SysResult<base::UniqueFd> BindSocket(Transport transport, const base::Endpoint& endpoint,
                                     const ListenerOptions& options) {
  const bool v6 = endpoint.address.IsV6();
  const bool tcp = transport == Transport::kTcp;
  auto socket = MakeSocket(v6, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (!socket) return socket;
  const int fd = socket->Get();
  const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  if (options.transparent) {
    auto set = SetOption(fd, level, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1);
    if (set && !tcp) set = SetOption(fd, level, v6 ? IPV6_RECVORIGDSTADDR : IP_RECVORIGDSTADDR, 1);
    if (!set) return std::unexpected(set.error());
  }
  if (options.no_delay) {
    if (const auto set = SetNoDelay(fd); !set) return std::unexpected(set.error());
  }
  const SocketAddress address = ToSocketAddress(endpoint);
  if (::bind(fd, address.Get(), address.size) != 0) return LastErrno();
  if (tcp && ::listen(fd, options.backlog) != 0) return LastErrno();
  return socket;
}

SysResult<base::UniqueFd> RawUdpSocket(bool v6) {
  auto socket = MakeSocket(v6, SOCK_RAW, IPPROTO_RAW);
  if (!socket || !v6) return socket;
  if (const auto set = SetOption(socket->Get(), IPPROTO_IPV6, IPV6_HDRINCL, 1); !set)
    return std::unexpected(set.error());
  return socket;
}

SysResult<Accepted> AcceptConnected(int listener) {
  SocketAddress from;
  Accepted accepted;
  accepted.socket.Reset(::accept4(listener, from.Get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!accepted.socket.IsOpen()) return LastErrno();
  accepted.from = ToEndpoint(from.storage);
  const auto to = LocalEndpoint(accepted.socket.Get());
  if (!to) return std::unexpected(to.error());
  accepted.to = *to;
  return accepted;
}

SysResult<base::UniqueFd> UnconnectedSocket(Transport transport, bool v6) {
  return MakeSocket(v6, transport == Transport::kTcp ? SOCK_STREAM : SOCK_DGRAM, 0);
}

SysStatus ConnectSocket(int socket, const base::Endpoint& to) {
  const SocketAddress address = ToSocketAddress(to);
  if (::connect(socket, address.Get(), address.size) == 0 || errno == EINPROGRESS) return {};
  return LastErrno();
}

SysResult<base::UniqueFd> Connect(Transport transport, const base::Endpoint& to) {
  auto socket = UnconnectedSocket(transport, to.address.IsV6());
  if (!socket) return socket;
  if (const auto done = ConnectSocket(socket->Get(), to); !done)
    return std::unexpected(done.error());
  return socket;
}

SysStatus ConnectResult(int socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return LastErrno();
  if (error != 0) return Fail(error);
  return {};
}

SysResult<bool> HasConnected(int socket, const base::Endpoint& to) {
  const SocketAddress address = ToSocketAddress(to);
  if (::connect(socket, address.Get(), address.size) == 0) return true;
  if (errno == EALREADY || errno == EINTR) return false;
  return LastErrno();
}

SysStatus SetNoDelay(int socket) { return SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1); }

SysStatus SetResetOnClose(int socket) {
  const linger at_once = {1, 0};
  return Check(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
}

SysStatus FinishSending(int socket) { return Check(::shutdown(socket, SHUT_WR)); }

SysResult<base::Endpoint> LocalEndpoint(int socket) {
  SocketAddress address;
  if (::getsockname(socket, address.Get(), &address.size) != 0) return LastErrno();
  return ToEndpoint(address.storage);
}

SysResult<std::size_t> Read(int fd, std::span<std::uint8_t> buffer) {
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

SysResult<std::size_t> Write(int fd, std::span<const std::uint8_t> bytes) {
  // A connection that the other side has closed is an error here, not a signal.
  const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

SysResult<std::size_t> WriteBeforeMore(int socket, std::span<const std::uint8_t> bytes) {
  const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_MORE);
  if (size < 0) return LastErrno();
  return static_cast<std::size_t>(size);
}

SysStatus AwaitReadable(int fd, std::chrono::milliseconds time) {
  pollfd polled = {fd, POLLIN, 0};
  const int count = ::poll(&polled, 1, static_cast<int>(time.count()));
  if (count < 0) return LastErrno();
  if (count == 0) return Fail(ETIMEDOUT);
  return {};
}

SysResult<Datagram> ReceiveDatagram(int socket, std::span<std::uint8_t> buffer) {
  SocketAddress from;
  iovec part = {buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(sockaddr_in6)) * 2> control;
  msghdr message = {};
  message.msg_name = from.Get();
  message.msg_namelen = from.size;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket, &message, 0);
  if (size < 0) return LastErrno();
  Datagram datagram;
  datagram.size = static_cast<std::size_t>(size);
  datagram.from = ToEndpoint(from.storage);
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&message); part_of;
       part_of = CMSG_NXTHDR(&message, part_of)) {
    const bool v4 = part_of->cmsg_level == IPPROTO_IP && part_of->cmsg_type == IP_RECVORIGDSTADDR;
    const bool v6 =
        part_of->cmsg_level == IPPROTO_IPV6 && part_of->cmsg_type == IPV6_RECVORIGDSTADDR;
    if (!v4 && !v6) continue;
    sockaddr_storage to = {};
    std::memcpy(&to, CMSG_DATA(part_of), v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    datagram.to = ToEndpoint(to);
  }
  return datagram;
}

SysStatus SendDatagram(int socket, std::span<const std::uint8_t> bytes, const base::Endpoint& to) {
  const SocketAddress address = ToSocketAddress(to);
  return Check(
      ::sendto(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL, address.Get(), address.size));
}

SysStatus SendDatagramAs(int raw, std::span<const std::uint8_t> bytes, const base::Endpoint& from,
                         const base::Endpoint& to) {
  const std::size_t size = kUdpHeader + bytes.size();
  if (size > 65535 || from.address.IsV6() != to.address.IsV6()) return Fail(EMSGSIZE);
  std::array<std::uint8_t, 40> header{};
  const std::size_t header_size =
      PutNetworkHeader(header, from.address, to.address, IPPROTO_UDP, size);
  std::array<std::uint8_t, kUdpHeader> udp{};
  Put16(&udp[0], from.port);
  Put16(&udp[2], to.port);
  Put16(&udp[4], size);
  const std::uint16_t sum = Checksum(
      Sum(bytes, Sum(udp, SumOfPseudoHeader(from.address, to.address, IPPROTO_UDP, size))));
  Put16(&udp[6], sum == 0 ? 0xffff : sum);
  std::array<iovec, 3> parts = {iovec{header.data(), header_size}, iovec{udp.data(), udp.size()},
                                iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()}};
  return SendRaw(raw, parts, to.address);
}

SysStatus SendUnreachable(int raw, const base::Endpoint& from, const base::Endpoint& to) {
  const bool v6 = from.address.IsV6();
  if (v6 != to.address.IsV6()) return Fail(EMSGSIZE);
  // Type and code, then the beginning of the packet that it is about: both its headers.
  constexpr std::size_t kIcmpHeader = 8, kUnreachable4 = 3, kUnreachable6 = 1, kPort4 = 3,
                        kPort6 = 4;
  std::array<std::uint8_t, kIcmpHeader + 40 + kUdpHeader> icmp{};
  icmp[0] = v6 ? kUnreachable6 : kUnreachable4;
  icmp[1] = v6 ? kPort6 : kPort4;
  const auto about = std::span(icmp).subspan<kIcmpHeader, 40>();
  std::size_t size =
      kIcmpHeader + PutNetworkHeader(about, from.address, to.address, IPPROTO_UDP, kUdpHeader);
  Put16(&icmp[size], from.port);
  Put16(&icmp[size + 2], to.port);
  Put16(&icmp[size + 4], kUdpHeader);
  size += kUdpHeader;
  const std::uint8_t protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
  const std::uint32_t begin = v6 ? SumOfPseudoHeader(to.address, from.address, protocol, size) : 0;
  Put16(&icmp[2], Checksum(Sum(std::span(icmp).first(size), begin)));
  std::array<std::uint8_t, 40> header{};
  const std::size_t header_size =
      PutNetworkHeader(header, to.address, from.address, protocol, size);
  std::array<iovec, 2> parts = {iovec{header.data(), header_size}, iovec{icmp.data(), size}};
  return SendRaw(raw, parts, from.address);
}

SysResult<SocketKind> KindOfSocket(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0) return LastErrno();
  if (!S_ISSOCK(status.st_mode)) return SocketKind::kNone;
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return LastErrno();
  return domain == AF_UNIX ? SocketKind::kUnix : SocketKind::kOther;
}

}  // namespace bailey::os
