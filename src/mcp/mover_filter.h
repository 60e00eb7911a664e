// The seccomp filter of the process that reads what client and server say over pipes: what passing
// bytes between descriptors that it has needs, and nothing that opens, makes, starts or signals
// any.
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::mcp {

inline constexpr std::array<std::string_view, 15> kMoverCalls = {
    "read",  "write", "sendto",        "poll",       "ppoll",
    "close", "mmap",  "munmap",        "mremap",     "madvise",
    "brk",   "futex", "clock_gettime", "exit_group", "restart_syscall"};

base::Result<bpf::Program> MoverFilter();

}  // namespace bailey::mcp
