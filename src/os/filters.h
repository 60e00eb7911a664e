// The filters of a running process, read back from the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace bailey::os {

// Every filter of the process's main thread, oldest first, as struct sock_filter records. The
// process is stopped for the time of the reading (PTRACE_SEIZE, which leaves no trace when this
// process dies). Errors say which privilege is missing: to trace the process, or CAP_SYS_ADMIN in
// the initial user namespace, which PTRACE_SECCOMP_GET_FILTER needs of a caller that is itself
// under no filter (kernel/seccomp.c, seccomp_get_filter).
base::Result<std::vector<std::vector<std::uint8_t>>> FiltersOf(pid_t pid);

}  // namespace bailey::os
