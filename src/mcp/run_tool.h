// The tools of `bailey mcp serve` that start programs: run, check, and sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mcp/pooled.h"
#include "mcp/service.h"
#include "mcp/sessions.h"
#include "mcp/workspace.h"

namespace bailey::mcp {

struct RunToolOptions {
  std::string bailey;                             // the executable
  std::vector<std::string> sandbox;               // options of `bailey run`
  std::vector<std::string> policies;              // others that a call may name
  std::optional<std::chrono::milliseconds> wall;  // the policy's: a call may ask for less
  std::optional<std::uint64_t> memory;
  AskPool pool;  // none: nothing is prepared
};

// What they refer to must outlive them.
std::vector<ServedTool> RunTools(const RunToolOptions& options, Sessions& sessions);
std::vector<ServedTool> FileTools(const Workspace& workspace);

}  // namespace bailey::mcp
