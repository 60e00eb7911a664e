// Moves bytes between a client's streams, a gateway and a server's pipes, until the server ends.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "mcp/gateway.h"
#include "os/piped_child.h"

namespace bailey::mcp {

struct MoverEnds {
  int from_client = 0;
  os::PatientWriter to_client;
  base::UniqueFd to_server, from_server;  // neither blocks
};

// What is done by somebody else: a mover reads what strangers say, and can do little.
struct MoverCalls {
  std::function<void(const std::string&)> note;
  std::function<void(int signal)> stop;
  std::function<std::string()> how_it_ended;  // waits for the server's end; "exit status 3"
};

// Blocks; true where the client ended it. When the client closes its end, the server's is closed
// too, and it may finish what it does; one that does not within some seconds is stopped.
base::Result<bool> Move(Gateway& gateway, MoverEnds ends, MoverCalls calls);

}  // namespace bailey::mcp
