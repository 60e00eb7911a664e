// The filter of PID 1 once the sandbox runs: it may wait, say how the program ended, and exit.
#pragma once

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::sandbox {

// For this machine's native architecture; everything else kills the process.
base::Result<bpf::Program> ReaperFilter();

}  // namespace bailey::sandbox
