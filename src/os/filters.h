// The filters of a running process, read back from the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace bailey::os {

// Every filter of the process's main thread, oldest first, as struct sock_filter records. The
// process is stopped for the time of the reading (PTRACE_SEIZE, which leaves no trace when this
// process dies). That it is under none anybody may know; else this process needs the right to trace
// it, CAP_SYS_ADMIN in the initial user namespace, and to be under no filter itself, and the kernel
// CONFIG_CHECKPOINT_RESTORE (kernel/seccomp.c, seccomp_get_filter). kUnsupported says what lacks;
// kInvalidInput where there is no such process.
base::Result<std::vector<std::vector<std::uint8_t>>> FiltersOf(pid_t pid);

}  // namespace bailey::os
