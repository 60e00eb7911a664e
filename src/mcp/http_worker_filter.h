// The seccomp filter of the process that reads what clients send over HTTP: what passing bytes
// between descriptors that it was given needs, and nothing that opens, makes or starts any.
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::mcp {

inline constexpr std::array<std::string_view, 23> kHttpWorkerCalls = {
    "read",      "write",         "sendto",     "sendmsg",         "recvmsg",     "accept4",
    "fcntl",     "setsockopt",    "close",      "epoll_wait",      "epoll_pwait", "epoll_ctl",
    "getrandom", "mmap",          "munmap",     "mremap",          "madvise",     "brk",
    "futex",     "clock_gettime", "exit_group", "restart_syscall", "rt_sigreturn"};

base::Result<bpf::Program> HttpWorkerFilter();

}  // namespace bailey::mcp
