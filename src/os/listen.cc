#include "os/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "os/unix_socket.h"

namespace bailey::os {
namespace {

constexpr int kWaiting = 16;

SysStatus Await(int fd, short events, std::chrono::milliseconds patience) {
  pollfd polled = {fd, events, 0};
  int ready = -1;
  do {
    ready = ::poll(&polled, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return LastErrno();
  if (ready == 0) return Fail(ETIMEDOUT);
  return {};
}

}  // namespace

SysResult<base::UniqueFd> ListenOnPath(std::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return Fail(ENAMETOOLONG);
  std::ranges::copy(path, address.sun_path);
  struct stat found = {};
  if (::lstat(address.sun_path, &found) == 0) {
    const auto other = ConnectUnix(path, SocketKind::kStream);
    const bool is_left = S_ISSOCK(found.st_mode) && !other && other.error().value == ECONNREFUSED;
    if (!is_left) return Fail(EADDRINUSE);
    if (::unlink(address.sun_path) != 0) return LastErrno();
  }
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen()) return LastErrno();
  // Before anybody can connect: the mode of the path is that of the socket (net/unix/af_unix.c).
  if (::fchmod(socket.Get(), 0600) != 0) return LastErrno();
  if (::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return LastErrno();
  if (::listen(socket.Get(), kWaiting) != 0) return LastErrno();
  return socket;
}

SysResult<base::UniqueFd> ListenOnLoopback(std::uint16_t port) {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen()) return LastErrno();
  const int yes = 1;
  if (::setsockopt(socket.Get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0)
    return LastErrno();
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return LastErrno();
  if (::listen(socket.Get(), kWaiting) != 0) return LastErrno();
  return socket;
}

SysResult<std::uint16_t> PortOf(int socket) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return LastErrno();
  return ntohs(address.sin_port);
}

SysResult<base::UniqueFd> Accept(int socket) {
  int client = -1;
  do {
    client = ::accept4(socket, nullptr, nullptr, SOCK_CLOEXEC);
  } while (client < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (client < 0) return LastErrno();
  return base::UniqueFd(client);
}

SysResult<std::string> ReceiveSome(int socket, std::size_t most,
                                   std::chrono::milliseconds patience) {
  if (const auto ready = Await(socket, POLLIN, patience); !ready)
    return std::unexpected(ready.error());
  std::string text(most, '\0');
  const ssize_t size = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
  if (size < 0) return LastErrno();
  text.resize(static_cast<std::size_t>(size));
  return text;
}

SysStatus SendAll(int socket, std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    if (const auto ready = Await(socket, POLLOUT, patience); !ready) return ready;
    const auto sent = SendNow(socket, bytes);
    if (!sent && sent.error().value == EAGAIN) continue;
    if (!sent) return std::unexpected(sent.error());
    bytes.remove_prefix(*sent);
  }
  return {};
}

}  // namespace bailey::os
