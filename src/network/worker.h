// The half of the gateway that touches what the program sends: it reads names, TLS and HTTP heads,
// proxy requests and datagrams, and passes bytes on. It asks the decider about all it reads, and
// holds only sockets that the decider gave it; its filter lets it make none.
#pragma once

#include <cstdint>
#include <optional>

#include "base/unique_fd.h"
#include "network/ground.h"
#include "network/relays.h"

namespace bailey::network {

// The sockets made inside, as they are handed out, in this order.
struct InsideSockets {
  base::UniqueFd netfilter, route, log;   // of the decider
  base::UniqueFd trap4, trap6;            // TCP, of the decider
  base::UniqueFd datagrams4, datagrams6;  // UDP, of the worker; all below too
  base::UniqueFd raw4, raw6;
  base::UniqueFd names, names_tcp;
  base::UniqueFd proxy;
};
inline constexpr std::size_t kInsideSockets = 12;
inline constexpr std::size_t kWorkerSockets = 7;  // the last ones
// Where there is no IPv6 these are left out.
constexpr bool IsOfIpv6(std::size_t index) { return index == 4 || index == 6 || index == 8; }

struct WorkerLimits {
  std::size_t connections = 0;
  std::size_t proxy_clients = 0, name_streams = 0;  // that wait to be heard
  TimeLimits time;
  std::optional<std::uint64_t> out;
};

// Runs until the decider is gone, and ends the process. `ground`: it watches the decider already,
// as Token::kDecider. `sockets`: the worker's own.
[[noreturn]] void RunWorker(Ground ground, base::UniqueFd decider, InsideSockets sockets,
                            const WorkerLimits& limits);

}  // namespace bailey::network
