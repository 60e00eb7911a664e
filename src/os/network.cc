#include "os/network.h"

#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace bailey::os {

SysStatus BringLoopbackUp() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen()) return LastErrno();
  ifreq request = {};
  ::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return Check(::ioctl(socket.Get(), SIOCSIFFLAGS, &request));
}

SysResult<base::UniqueFd> NetworkNamespaceOf(int socket) {
  const int fd = ::ioctl(socket, SIOCGSKNS);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(fd);
}

SysResult<base::UniqueFd> UserNamespaceOf(int ns) {
  const int fd = ::ioctl(ns, NS_GET_USERNS);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(fd);
}

}  // namespace bailey::os
