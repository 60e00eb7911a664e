// Unix sockets as a client: connected by path, written to without ever waiting.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

enum class SocketKind { kStream, kDatagram };

// Connects now or not at all: a queue that is full is EAGAIN. ENAMETOOLONG above 107 bytes.
SysResult<base::UniqueFd> ConnectUnix(std::string_view path, SocketKind kind);
// As much as the socket takes at once, which may be less than all of a stream; EAGAIN when that is
// nothing. A reader that is gone is EPIPE, and no signal.
SysResult<std::size_t> SendNow(int socket, std::string_view bytes);
// Whether a write of PIPE_BUF bytes would not wait.
bool CanWriteNow(int fd);

}  // namespace bailey::os
