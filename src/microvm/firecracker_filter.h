// The seccomp filters that are built into Firecracker, read back from the kernel.
#pragma once

#include <chrono>
#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "microvm/firecracker_jail.h"

namespace bailey::microvm {

// Those of the thread that answers its API: it has them before it is asked anything, and so without
// a machine. Starts it for that, with a socket that nobody else can reach, and ends it again.
// kUnsupported where no thread has any within `patience`, or the kernel does not tell them.
base::Result<std::vector<bpf::Program>> ApiFilters(const FirecrackerHost& host,
                                                   std::chrono::milliseconds patience);

}  // namespace bailey::microvm
