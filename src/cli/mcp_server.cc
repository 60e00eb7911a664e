#include "cli/mcp_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

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

bool IsUrl(const std::string& word) {
  return word.starts_with("https://") || word.starts_with("http://");
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
  arguments.Flag("--no-translate", options.no_translate,
                 "client and server of different eras of the protocol are left to themselves");
  Describe(arguments, options.approve);
  Describe(arguments, options.listen);
  std::string header_file, bearer, authorities;
  arguments.Value("--header-file", header_file,
                  "of a remote server: each line \"Name: value\" goes into every request");
  arguments.Value("--bearer-env", bearer,
                  "of a remote server: this variable of the environment is its bearer token");
  arguments.Value("--ca-file", authorities, "of a remote server: who vouches for it (PEM)");
  arguments.EndsInProgram("Then: [--] SERVER [ARGUMENTS], or the URL of a remote server");
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
  const bool is_remote = options.command.size() == 1 && IsUrl(options.command.front());
  if (is_remote) options.url = options.command.front();
  for (const auto& [option, value] :
       {std::pair("--header-file", header_file), std::pair("--bearer-env", bearer),
        std::pair("--ca-file", authorities)}) {
    if (value.empty()) continue;
    if (!is_remote)
      return Fail("mcp wrap", base::InvalidInput(fmt::format(
                                  "read {}: the server is a program of this machine", option)));
    options.remote.insert(options.remote.end(), {option, value});
  }
  const std::string preset = PresetFor(options.command.front());
  options.own = WithoutListening(given);
  options.sandbox = WithoutOptions(options.own,
                                   {"--name", "--result-limit", "--approve", "--approve-time",
                                    "--allow-tool", "--header-file", "--bearer-env", "--ca-file"},
                                   {"--no-translate"});
  if (is_remote && !options.sandbox.empty()) {
    return Fail("mcp wrap",
                base::InvalidInput(fmt::format("wrap {}: {} is of a sandbox, and nothing runs here",
                                               base::Escape(options.url), options.sandbox[0])));
  }
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

base::Result<std::vector<std::string>> RemoteCommand(const ServerOptions& options) {
  auto remote = FindLibexec("mcp-remote");
  if (!remote) return remote.error();
  std::vector<std::string> command = {*std::move(remote), options.url, "--result-limit",
                                      options.result_limit};
  command.insert(command.end(), options.remote.begin(), options.remote.end());
  return command;
}

}  // namespace bailey::cli
