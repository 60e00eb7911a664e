// A client of one MCP server over standard streams, for the agent: its tools, and calls of them.
//
// Both eras are spoken: server/discover is tried first (2026-07-28, no session), and a server that
// does not know it is asked to initialize (2025-11-25). What the server asks back is answered by
// `AnswerRequest`; a server that says nothing, too much, or nonsense costs bounded time and memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/piped_child.h"

namespace bailey::agent {

struct ServerTool {
  std::string name, description;
  nlohmann::json schema;  // of its arguments
};

struct ToolResult {
  std::string text;
  bool is_error = false;
  bool operator==(const ToolResult&) const = default;
};

// What a request of the server is answered with; nothing for a method that is not known.
using AnswerRequest =
    std::function<std::optional<nlohmann::json>(const std::string& method, const nlohmann::json&)>;

class McpClient {
 public:
  struct Limits {
    std::chrono::milliseconds start{60'000};  // also of each page of its tools
    std::chrono::milliseconds call{600'000};
    std::size_t most_bytes = 16u << 20;  // of one message
    std::size_t most_tools = 1024;
  };

  // `command`: its first word is a path. Errors: "start server <name>: <cause>".
  static base::Result<McpClient> Start(std::string name, const std::vector<std::string>& command,
                                       AnswerRequest answer, Limits limits);
  McpClient(McpClient&&) = default;
  McpClient& operator=(McpClient&&) = default;
  ~McpClient();

  const std::string& Name() const { return name_; }
  const std::vector<ServerTool>& Tools() const { return tools_; }
  // An error is no answer at all (the server has ended, or its time was over), after which it is
  // not asked again.
  base::Result<ToolResult> Call(const std::string& tool, const nlohmann::json& arguments);

 private:
  McpClient(std::string name, os::PipedChild child, AnswerRequest answer, Limits limits)
      : name_(std::move(name)),
        child_(std::move(child)),
        answer_(std::move(answer)),
        limits_(limits) {}

  using Clock = std::chrono::steady_clock;
  base::Status Greet();
  base::Status ListTools();
  // The whole answer: it has "result" or "error".
  base::Result<nlohmann::json> Request(const std::string& method, nlohmann::json params,
                                       std::chrono::milliseconds time);
  base::Status Send(const nlohmann::json& message, Clock::time_point end);
  base::Result<std::string> ReadLine(Clock::time_point end);
  base::Status AnswerTo(const nlohmann::json& message, Clock::time_point end);
  base::Error Failed(std::string_view cause);

  std::string name_;
  os::PipedChild child_;
  AnswerRequest answer_;
  Limits limits_;
  std::vector<ServerTool> tools_;
  std::string buffer_;
  std::uint64_t last_id_ = 0;
  bool is_stateless_ = false, is_lost_ = false;
};

}  // namespace bailey::agent
