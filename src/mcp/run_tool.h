// The tools of `bailey mcp serve` that start programs: run, check, and sessions.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mcp/pooled.h"
#include "mcp/service.h"
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

// Directories that last from one run to another, and are thrown away with this object.
class Sessions {
 public:
  static base::Result<Sessions> Open();
  Sessions(Sessions&&) noexcept = default;
  Sessions& operator=(Sessions&&) = delete;
  ~Sessions();

  base::Result<std::string> Start();
  // The directory; nothing for a name that is none.
  std::optional<std::string> Find(const std::string& name);
  bool End(const std::string& name);

 private:
  struct State {
    std::mutex mutex;
    std::map<std::string, std::string> directories;
  };
  Sessions(std::string place) : place_(std::move(place)), state_(std::make_unique<State>()) {}
  std::string place_;
  std::unique_ptr<State> state_;
};

// What they refer to must outlive them.
std::vector<ServedTool> RunTools(const RunToolOptions& options, Sessions& sessions);
std::vector<ServedTool> FileTools(const Workspace& workspace);

}  // namespace bailey::mcp
