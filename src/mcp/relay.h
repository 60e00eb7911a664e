// Moves bytes between a client's streams, a gateway and a server's pipes, until the server ends.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "mcp/gateway.h"
#include "os/piped_child.h"

namespace bailey::mcp {

struct RelayOptions {
  int from_client = 0, to_client = 1;
  std::function<void(const std::string&)> note;
};

struct Ended {
  int wait_status = 0;
  // The client had closed its end, or a signal asked for it: no fault of the server's.
  bool was_wanted = false;
};

// Blocks. When the client closes its end, the server's is closed too, and it may finish what it
// does; one that does not within some seconds is stopped.
base::Result<Ended> Relay(Gateway& gateway, os::PipedChild server, const RelayOptions& options);

// "exit status 3", "signal 9".
std::string HowItEnded(int wait_status);

}  // namespace bailey::mcp
