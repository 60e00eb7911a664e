// Network namespaces: their own interfaces, and the way into one that a socket is of.
#pragma once

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// Brings lo up in the caller's network namespace: 127.0.0.1 and ::1 appear with it.
SysStatus BringLoopbackUp();

// That a socket was made in; asks for CAP_NET_ADMIN over it (SIOCGSKNS).
SysResult<base::UniqueFd> NetworkNamespaceOf(int socket);
// The user namespace that owns a namespace (NS_GET_USERNS).
SysResult<base::UniqueFd> UserNamespaceOf(int ns);

}  // namespace bailey::os
