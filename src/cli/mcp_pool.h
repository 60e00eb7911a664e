// The pool behind `bailey mcp serve --pool`.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/run_options.h"
#include "mcp/pooled.h"
#include "policy/load.h"

namespace bailey::cli {

// Asks the pool that `bailey run --pool` with these options would use. Before this process has
// other threads. `bailey`: the executable that `run` would be.
base::Result<mcp::AskPool> MakeAskPool(const SandboxOptions& options,
                                       const policy::Context& context, const std::string& bailey);

}  // namespace bailey::cli
