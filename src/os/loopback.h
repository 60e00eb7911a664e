// A port of this machine's 127.0.0.1 that somebody may arrive at.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

struct Listener {
  base::UniqueFd socket;
  std::uint16_t port = 0;
};
SysResult<Listener> ListenOnLoopback();
// Whether a connection waits; it is closed. Does not block.
bool HasArrived(const Listener& listener);

pid_t OwnPid();

}  // namespace bailey::os
