// --listen: an MCP server over HTTP, where without it there is one on standard input and output.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"

namespace bailey::cli {

struct ListenOptions {
  std::string where;  // empty: standard input and output
  std::string token_file;
  bool no_token = false, anywhere = false;
  std::vector<std::string> hosts, origins;
  unsigned sessions = 16;
};

void Describe(Arguments& arguments, ListenOptions& options);
// The same command's words without those.
std::vector<std::string> WithoutListening(const std::vector<std::string>& words);

// Blocks until a signal. `words`: of `bailey`, which start one server on standard input and output;
// `command`: who fails, "mcp wrap".
int Listen(const ListenOptions& options, const std::string& command,
           const std::vector<std::string>& words);

}  // namespace bailey::cli
