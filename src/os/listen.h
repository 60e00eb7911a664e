// Sockets that wait for clients of this machine.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// On a path, in place of a socket that is there and that nobody listens on any more (EADDRINUSE
// where somebody does, or where the path is no socket). For its owner alone.
SysResult<base::UniqueFd> ListenOnPath(std::string_view path);
// On 127.0.0.1; port 0 is any that is free.
SysResult<base::UniqueFd> ListenOnLoopback(std::uint16_t port);
SysResult<std::uint16_t> PortOf(int socket);
// Waits for the next client.
SysResult<base::UniqueFd> Accept(int socket);
// At most `most` bytes of one message of a client, or what came before `patience` was over.
SysResult<std::string> ReceiveSome(int socket, std::size_t most,
                                   std::chrono::milliseconds patience);
// All of it, or ETIMEDOUT when the client does not take it within `patience`.
SysStatus SendAll(int socket, std::string_view bytes, std::chrono::milliseconds patience);

}  // namespace bailey::os
