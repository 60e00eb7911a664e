// Sockets of the internet families. All are made non-blocking; what is connected says later, by
// becoming writable, whether it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

enum class Transport : std::uint8_t { kTcp, kUdp };

struct ListenerOptions {
  // Gets what is sent to other addresses too, and says to which (IP_TRANSPARENT; CAP_NET_ADMIN).
  bool transparent = false;
  bool no_delay = false;  // of what is accepted (TCP_NODELAY)
  int backlog = 4096;
};
// A bound socket; one of TCP listens.
SysResult<base::UniqueFd> BindSocket(Transport transport, const base::Endpoint& endpoint,
                                     const ListenerOptions& options = {});
// Sends whole UDP packets, IP header included, as from anybody (CAP_NET_RAW).
SysResult<base::UniqueFd> RawUdpSocket(bool v6);

struct Accepted {
  base::UniqueFd socket;
  base::Endpoint from, to;  // `to`: what the other side connected to
};
// EAGAIN when nobody waits; EMFILE and ENFILE at the descriptor limits.
SysResult<Accepted> AcceptConnected(int listener);
// Begins to connect.
SysResult<base::UniqueFd> Connect(Transport transport, const base::Endpoint& to);
// The same with a socket that is there, made in another network namespace.
SysStatus ConnectSocket(int socket, const base::Endpoint& to);
SysResult<base::UniqueFd> UnconnectedSocket(Transport transport, bool v6);
// How the connecting ended.
SysStatus ConnectResult(int socket);
// Whether it has ended; near by, it has at once.
SysResult<bool> HasConnected(int socket, const base::Endpoint& to);
SysStatus SetNoDelay(int socket);
// Its end will be a reset.
SysStatus SetResetOnClose(int socket);
SysStatus FinishSending(int socket);
SysResult<base::Endpoint> LocalEndpoint(int socket);

SysResult<std::size_t> Read(int fd, std::span<std::uint8_t> buffer);
SysResult<std::size_t> Write(int fd, std::span<const std::uint8_t> bytes);
// What is said next, or the end, goes in the same segment.
SysResult<std::size_t> WriteBeforeMore(int socket, std::span<const std::uint8_t> bytes);

// ETIMEDOUT when nothing came. Allocates nothing.
SysStatus AwaitReadable(int fd, std::chrono::milliseconds time);

struct Datagram {
  std::size_t size = 0;
  base::Endpoint from;
  base::Endpoint to;  // of a transparent socket: what the datagram was sent to
};
SysResult<Datagram> ReceiveDatagram(int socket, std::span<std::uint8_t> buffer);
SysStatus SendDatagram(int socket, std::span<const std::uint8_t> bytes, const base::Endpoint& to);
// Through a raw socket: a datagram as from `from`.
SysStatus SendDatagramAs(int raw, std::span<const std::uint8_t> bytes, const base::Endpoint& from,
                         const base::Endpoint& to);

// Through the same socket: what was sent from `from` to `to` has reached nobody (ICMP). Whoever
// sent it from a connected socket gets ECONNREFUSED.
SysStatus SendUnreachable(int raw, const base::Endpoint& from, const base::Endpoint& to);

// What kind of socket a descriptor is.
enum class SocketKind : std::uint8_t { kNone, kUnix, kOther };
SysResult<SocketKind> KindOfSocket(int fd);

}  // namespace bailey::os
