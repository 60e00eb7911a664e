// What each half of the gateway needs before it has sockets: it is made while the program's task
// makes the network, and waits for nothing.
#pragma once

#include <cstdint>
#include <span>

#include "os/errno.h"
#include "os/poller.h"

namespace bailey::network {

struct Ground {
  os::Poller poller;
  std::span<std::uint8_t> scratch;  // of Relays::kLargestRead, for what is on its way
};
// Once in a process: the scratch is the process's own.
os::SysResult<Ground> MakeGround();

}  // namespace bailey::network
