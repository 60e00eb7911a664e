// A program in a sandbox that a pool has prepared: asked for by this process itself, which starts
// none.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mcp/command.h"
#include "mcp/service.h"
#include "pool/client.h"

namespace bailey::mcp {

struct PooledProgram {
  std::vector<std::string> argv;
  std::optional<std::chrono::milliseconds> wall;  // in place of the policy's
};

// Whoever knows which pool asks it, with the program's ends of its streams. From several threads at
// once.
using AskPool =
    std::function<base::Result<pool::Visit>(const PooledProgram&, std::array<int, 3> streams)>;

// The same as RunToEnd of `bailey run --pool`. Nothing where no sandbox could be had for it: the
// program did not run.
base::Result<std::optional<Ran>> RunPooled(const AskPool& ask, const PooledProgram& program,
                                           const RunOptions& options, Cancellation& cancellation);

}  // namespace bailey::mcp
