// A gateway between a client's streams and a server's pipes, in a process of its own: it reads what
// both say and can do nothing else. It has its descriptors, no capability, no file (Landlock) and a
// filter that lets it move bytes (mcp/mover_filter.h). What has to be looked up, asked and written
// down for it, and the server's end, is the work of the process that calls Relay; they speak
// through two pipes, one question at a time.
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

// Blocks. The gateway's judges are asked in this process. To be called where there is one thread.
base::Result<Ended> Relay(Gateway& gateway, os::PipedChild server, const RelayOptions& options);

// "exit status 3", "signal 9".
std::string HowItEnded(int wait_status);

}  // namespace bailey::mcp
