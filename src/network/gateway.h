// The gateway's process: the decider, and the worker that it forks.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "network/plan.h"

namespace bailey::network {

struct GatewaySockets {
  base::UniqueFd supervisor;  // reports go there; its end is ours
  base::UniqueFd inside;      // where the sockets made inside come from
};

// Forks the worker, takes over the sockets, reads back what is in force inside, and serves until
// the supervisor's end of the socket is closed.
[[noreturn]] void RunGateway(const Plan& plan, GatewaySockets sockets, const std::string& resolver);

}  // namespace bailey::network
