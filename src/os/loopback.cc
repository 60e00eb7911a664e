#include "os/loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bailey::os {

SysResult<Listener> ListenOnLoopback() {
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.IsOpen()) return LastErrno();
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<struct sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (::bind(socket.Get(), generic, size) != 0 || ::listen(socket.Get(), 1) != 0 ||
      ::getsockname(socket.Get(), generic, &size) != 0)
    return LastErrno();
  return Listener{std::move(socket), ntohs(address.sin_port)};
}

bool HasArrived(const Listener& listener) {
  return base::UniqueFd(::accept4(listener.socket.Get(), nullptr, nullptr, SOCK_CLOEXEC)).IsOpen();
}

pid_t OwnPid() { return ::getpid(); }

}  // namespace bailey::os
