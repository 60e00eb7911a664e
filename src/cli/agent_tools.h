// The tools of an agent: of bailey's own server and of others, each behind the wall.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/loop.h"
#include "agent/mcp_client.h"
#include "base/result.h"

namespace bailey::cli {

struct ToolOptions {
  // Command lines, as a shell would take them apart; options of `bailey mcp wrap` may come first,
  // with a -- behind them.
  std::vector<std::string> servers;
  std::string policy;  // of every server; empty: each server's own default
  // As `bailey mcp wrap` and `serve` take them: who is asked, for how long, and what need not be.
  std::string approve = "terminal", approve_time;
  std::vector<std::string> allow;
  bool without_own = false;  // bailey's tools
};

class AgentTools {
 public:
  static base::Result<AgentTools> Start(const ToolOptions& options,
                                        const agent::AnswerRequest& answer);

  const std::vector<agent::Tool>& List() const { return tools_; }
  // As language models' servers take them.
  nlohmann::json ForModel() const;
  base::Result<agent::Called> Call(const agent::ToolCall& call, const nlohmann::json& arguments);

 private:
  struct Place {
    std::size_t server;
    std::string tool;  // by the server's name for it
  };
  void Add(std::size_t server);

  std::vector<agent::McpClient> servers_;
  std::vector<agent::Tool> tools_;
  std::map<std::string, Place, std::less<>> places_;
};

// Words as a shell takes them apart, with quotes and backslashes, and without anything else that a
// shell does. kInvalidInput for a quote that is not closed, or no word at all.
base::Result<std::vector<std::string>> SplitCommand(std::string_view text);

}  // namespace bailey::cli
