// The half of the gateway that decides: it holds the policy, opens addresses in the kernel's sets,
// and makes every connection to the outside. It parses nothing that the program sent.
#pragma once

#include <cstddef>
#include <string>

#include "base/unique_fd.h"
#include "network/ground.h"
#include "network/inbound.h"
#include "network/plan.h"
#include "network/wire.h"
#include "network/worker.h"

namespace bailey::network {

struct DeciderSockets {
  base::UniqueFd supervisor;  // reports go there; its end is ours
  Channel worker;
  InsideSockets inside;
  Inbound inbound;
  std::string login;  // at the proxy on the way out; may be empty
};

// Serves until the supervisor's end of its socket is closed, and ends the process. `most`:
// connections at once that this process and its worker have descriptors for.
[[noreturn]] void RunDecider(const Plan& plan, Ground ground, DeciderSockets sockets,
                             const std::string& resolver, std::size_t most);

}  // namespace bailey::network
