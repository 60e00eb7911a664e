#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"

namespace bailey::cli {

SplitWords SplitAtDashes(int argc, char** argv) {
  SplitWords split;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto dashes = std::ranges::find(words, "--");
  split.options.assign(words.begin(), dashes);
  if (dashes != words.end()) split.program.assign(dashes + 1, words.end());
  return split;
}

std::optional<int> ParseArguments(CLI::App& app, std::string_view command,
                                  std::vector<std::string> words, int usage_error) {
  try {
    // CLI11 takes them from the back.
    std::ranges::reverse(words);
    app.parse(words);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return kYes;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "bailey {0}: {1} (see `bailey {0} --help`)\n", command, error.what());
    return usage_error;
  }
}

base::Result<policy::Context> CallerContext() {
  policy::Context context;
  std::error_code error;
  context.current_directory = std::filesystem::current_path(error).string();
  if (error) return base::SystemError("find the current directory", error.value());
  const char* home = std::getenv("HOME");
  if (home && home[0] == '/') context.home = home;
  return context;
}

}  // namespace bailey::cli
