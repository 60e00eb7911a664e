// What the program's task does about its network before it becomes the program: it makes what the
// plan says, hands the sockets out, and later tries from inside whether all goes as predicted.
// Nothing here allocates, and what it needs is prepared before the fork.
#pragma once

#include <vector>

#include "base/address.h"
#include "network/plan.h"
#include "os/netlink.h"

namespace bailey::network {

struct InsideSetup {
  os::Netlink links, table;
  std::vector<base::Endpoint> refused;  // RefusedProbes
  bool routed = false;                  // by somebody else: there is no gateway to hand sockets to
};
InsideSetup Prepare(const Plan& plan);

// In the new network namespace, with all capabilities over it. `handoff`: to the gateway.
os::SysStatus MakeInside(const InsideSetup& setup, int handoff);

}  // namespace bailey::network
