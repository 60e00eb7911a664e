// The way to a guest's socket through its monitor (Firecracker's vsock): a unix socket on which the
// host asks for a port of the guest, and then speaks to whoever listens there.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::microvm {

// The socket `name` in a directory that others write to: no symlink is followed, and none waited
// for. None where it is not there, or nobody listens, yet.
base::Result<std::optional<base::UniqueFd>> ConnectBeneath(int directory, const char* name);

// Asks for the port ("CONNECT 1024\n", answered with "OK n\n"). False where nobody listens on it
// yet, which closes the connection; kViolation for another answer, or none until the deadline.
base::Result<bool> AskForPort(int connection, std::uint32_t port,
                              std::chrono::steady_clock::time_point deadline);

}  // namespace bailey::microvm
