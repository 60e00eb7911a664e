// The worker's seccomp filter: what passing bytes between sockets needs, and nothing that makes
// one.
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::network {

inline constexpr std::array<std::string_view, 24> kWorkerCalls = {
    "read",          "write",         "sendto",      "sendmsg",
    "recvmsg",       "accept4",       "getsockname", "setsockopt",
    "shutdown",      "close",         "epoll_wait",  "epoll_pwait",
    "epoll_ctl",     "epoll_create1", "mmap",        "munmap",
    "mremap",        "madvise",       "brk",         "futex",
    "clock_gettime", "sched_yield",   "exit_group",  "restart_syscall"};

// Any other call, and any of another architecture, kills the process.
base::Result<bpf::Program> WorkerFilter();

}  // namespace bailey::network
