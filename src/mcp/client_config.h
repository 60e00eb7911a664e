// Configurations of MCP clients, rewritten so that their servers go through bailey, and back.
//
// Known are objects of servers under "mcpServers" (Claude Desktop, Claude Code, Cursor) and
// "servers" (VS Code's mcp.json), at the top, below "mcp" (VS Code's settings.json) and in each of
// "projects" (Claude Code). Of a server that is started by a command,
//
//   {"command": "npx", "args": ["-y", "server"], "env": {"TOKEN": "secret"}}
//
// becomes {"command": BAILEY, "args": ["mcp", "wrap", "--name", NAME, "--env", "TOKEN", "--",
// "npx",
// "-y", "server"], "env": {"TOKEN": "secret"}}: secrets stay where they are, and go in by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::mcp {

struct RewriteOptions {
  std::string bailey;                // the command to write
  std::vector<std::string> options;  // of `bailey mcp wrap`, for every server
  bool undo = false;
};

struct Rewritten {
  std::string text;
  std::vector<std::string> changed;    // names of servers
  std::vector<std::string> unchanged;  // with why: "docs: it goes through bailey already"
};

// `file`: what errors call it. kInvalidInput for a text that is no JSON, that has comments, which
// would be lost, or that names no servers at all.
base::Result<Rewritten> RewriteConfig(std::string_view text, std::string_view file,
                                      const RewriteOptions& options);

}  // namespace bailey::mcp
