#include "cli/mcp_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/run_options.h"

namespace bailey::cli {
namespace {

std::string PresetFor(const std::string& command) {
  const std::string name = command.substr(command.rfind('/') + 1);
  return name == "npx" || name == "uvx" ? name : "";
}

// Where packages are kept between starts: ~/.cache/bailey/npx, as the preset has it.
base::Status MakeCache(const std::string& preset) {
  const char* const home = std::getenv("HOME");
  if (!home || *home != '/')
    return base::Unsupported("keep packages of " + preset + ": HOME is not set");
  std::error_code error;
  const std::string path = fmt::format("{}/.cache/bailey/{}", home, preset);
  std::filesystem::create_directories(path, error);
  if (error) return base::SystemError("make " + path, error.value());
  return {};
}

}  // namespace

std::vector<std::string> WithoutOptions(const std::vector<std::string>& words,
                                        const std::vector<std::string_view>& with_value,
                                        const std::vector<std::string_view>& flags) {
  std::vector<std::string> left;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view name = std::string_view(words[i]).substr(0, words[i].find('='));
    if (std::ranges::find(flags, name) != flags.end()) continue;
    if (std::ranges::find(with_value, name) == with_value.end()) {
      left.push_back(words[i]);
    } else if (name.size() == words[i].size()) {
      ++i;  // the value is a word of its own
    }
  }
  return left;
}

std::optional<int> ReadServerOptions(const SplitWords& words, ServerOptions& options) {
  Arguments arguments(
      "mcp wrap",
      "Runs a server of the Model Context Protocol in a sandbox, and stands between it and the\n"
      "client on standard input and output. `bailey mcp wrap --config FILE` rewrites a client's\n"
      "configuration so that its servers are started this way; see `--config FILE --help`.\n"
      "Exits with 0 when the client ended the connection, with 1 when the server did.");
  SandboxOptions sandbox;
  Describe(arguments, sandbox);
  arguments.Value("--name", options.name,
                  "the name under which tools are pinned (default: the server's command line)");
  arguments.Value("--result-limit", options.result_limit,
                  "the longest answer of the server that is passed on (64MiB)");
  Describe(arguments, options.approve);
  Describe(arguments, options.listen);
  arguments.EndsInProgram("Then: [--] SERVER [ARGUMENTS]");
  if (const auto code = arguments.Read(words.options, kUsage)) return code;
  options.command = arguments.Program();
  std::vector<std::string> given(
      words.options.begin(),
      words.options.end() - static_cast<std::ptrdiff_t>(options.command.size()));
  options.command.insert(options.command.end(), words.program.begin(), words.program.end());
  if (options.command.empty()) {
    return Fail("mcp wrap",
                base::InvalidInput("start server: none is named (see `bailey mcp wrap --help`)"));
  }
  const std::string preset = PresetFor(options.command.front());
  options.own = WithoutListening(given);
  options.sandbox = WithoutOptions(
      options.own, {"--name", "--result-limit", "--approve", "--approve-time", "--allow-tool"}, {});
  if (sandbox.policy.empty() && !preset.empty()) {
    if (const auto made = MakeCache(preset); !made) return Fail("mcp wrap", made.error());
    options.sandbox.push_back("--policy=" + preset);
  }
  if (options.name.empty())
    for (const std::string& word : options.command)
      options.name += (options.name.empty() ? "" : " ") + base::ShellQuote(word);
  return std::nullopt;
}

base::Result<std::vector<std::string>> SandboxCommand(const ServerOptions& options) {
  auto bailey = FindBailey();
  if (!bailey) return bailey.error();
  std::vector<std::string> command = {*std::move(bailey), "run"};
  command.insert(command.end(), options.sandbox.begin(), options.sandbox.end());
  command.push_back("--");
  command.insert(command.end(), options.command.begin(), options.command.end());
  return command;
}

}  // namespace bailey::cli
