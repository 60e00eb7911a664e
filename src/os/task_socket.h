// What another task may do to networks, and with which sockets; one may ptrace it. A machine's
// first process is compiled with it too, which links none of our libraries: of them it uses headers
// alone.
#pragma once

#include <sys/types.h>

#include "os/errno.h"

namespace bailey::os {

// Whether a descriptor of a thread is a netlink socket; false where it is none, or gone. It takes
// no copy: it asks the socket's file system for its name.
bool IsNetlinkSocket(pid_t thread, int fd);

// Its protocol (NETLINK_ROUTE...). Before Linux 6.9 it is looked for among the descriptors of
// `process`, whose thread it is: EXDEV where those are others.
SysResult<int> NetlinkProtocol(pid_t thread, pid_t process, int fd);

// Whether it has CAP_NET_ADMIN in effect, over whatever namespace that is.
SysResult<bool> MayChangeNetworks(pid_t thread);

}  // namespace bailey::os
