#include "os/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

namespace bailey::os {

SysResult<base::UniqueFd> ConnectUnix(std::string_view path, SocketKind kind) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return Fail(ENAMETOOLONG);
  std::ranges::copy(path, address.sun_path);
  const int type = kind == SocketKind::kStream ? SOCK_STREAM : SOCK_DGRAM;
  base::UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.IsOpen()) return LastErrno();
  const auto connected =
      Check(::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  if (!connected) return std::unexpected(connected.error());
  return socket;
}

SysResult<std::size_t> SendNow(int socket, std::string_view bytes) {
  ssize_t sent = -1;
  do {
    sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return LastErrno();
  return static_cast<std::size_t>(sent);
}

bool CanWriteNow(int fd) {
  pollfd polled = {fd, POLLOUT, 0};
  return ::poll(&polled, 1, 0) == 1 && (polled.revents & POLLOUT) != 0;
}

}  // namespace bailey::os
