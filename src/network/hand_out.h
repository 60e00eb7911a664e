// The two halves of MakeInside, for who has something to say in between: the gateway is woken by
// the second, and takes a processor.
#pragma once

#include <array>
#include <cstddef>

#include "base/unique_fd.h"
#include "network/inside.h"
#include "network/worker.h"
#include "os/errno.h"

namespace bailey::network {

// In the order of InsideSockets, without those that there are none of.
struct MadeSockets {
  std::array<base::UniqueFd, kInsideSockets> sockets;
  std::size_t count = 0;
};

os::SysStatus MakeSockets(const InsideSetup& setup, MadeSockets& made);
// They are the gateway's alone then.
os::SysStatus HandOut(MadeSockets made, int handoff);

}  // namespace bailey::network
