// The gateway's process: the decider, and the worker that it forks.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "network/plan.h"

namespace bailey::network {

// Names the file of the login at the proxy on the way out (policy::Network::proxy), for whoever
// starts a sandbox: what it holds belongs into no policy.
inline constexpr const char* kLoginVariable = "BAILEY_PROXY_LOGIN";

struct GatewaySockets {
  base::UniqueFd supervisor;  // reports go there; its end is ours
  base::UniqueFd inside;      // where the sockets made inside come from
  base::UniqueFd login;  // the file of the login at the proxy on the way out, where there is one
};

// Forks the worker, takes over the sockets, reads back what is in force inside, and serves until
// the supervisor's end of the socket is closed. `worker_filter`: WorkerFilter, as bytes.
[[noreturn]] void RunGateway(const Plan& plan, GatewaySockets sockets, const std::string& resolver,
                             std::span<const std::uint8_t> worker_filter);

}  // namespace bailey::network
