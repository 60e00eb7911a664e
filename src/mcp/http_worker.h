// The process that reads what clients send over HTTP.
#pragma once

#include "base/unique_fd.h"
#include "mcp/http_front.h"

namespace bailey::mcp {

// In a process of its own; it ends with whoever has the other end of the channel. A message there
// is a server's number, asked for; with two descriptors, its input and its output, it is there, and
// with none it could not be started.
[[noreturn]] void RunHttpWorker(int listener, base::UniqueFd channel, const HttpRules& rules,
                                const HttpFrontLimits& limits);

}  // namespace bailey::mcp
