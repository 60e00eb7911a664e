// Which server `bailey mcp wrap` starts, and in which sandbox.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/approve.h"
#include "cli/arguments.h"
#include "cli/mcp_listen.h"

namespace bailey::cli {

struct ServerOptions {
  std::string name;  // under which its tools are pinned
  std::string result_limit = "64MiB";
  bool no_translate = false;
  ApproveOptions approve = {.approve = "none"};
  ListenOptions listen;
  std::vector<std::string> own;      // words of this command, as they were given, without listening
  std::vector<std::string> sandbox;  // options of `bailey run`, as they were given
  std::vector<std::string> command;
  // Of a remote server: its address, and what `bailey-mcp-remote` is told beside it.
  std::string url;
  std::vector<std::string> remote;
};

// nullopt when the command is to go on, otherwise its exit code.
std::optional<int> ReadServerOptions(const SplitWords& words, ServerOptions& options);

// The words without these options: those with a value, and those without one.
std::vector<std::string> WithoutOptions(const std::vector<std::string>& words,
                                        const std::vector<std::string_view>& with_value,
                                        const std::vector<std::string_view>& flags);

// `bailey run` with the server behind it. A server that npx or uvx starts gets the preset of that
// name where no policy is named; what that keeps between starts is made here.
base::Result<std::vector<std::string>> SandboxCommand(const ServerOptions& options);
// What stands for a remote server on this machine.
base::Result<std::vector<std::string>> RemoteCommand(const ServerOptions& options);

}  // namespace bailey::cli
