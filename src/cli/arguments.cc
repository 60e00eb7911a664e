#include "cli/arguments.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/text.h"
#include "cli/commands.h"

namespace bailey::cli {
namespace {

// $HOME, or what /etc/passwd says: getpwuid(3) would load shared libraries, which a static program
// cannot. A user that is in neither has no home with secrets to hide.
std::string HomeDirectory() {
  const char* home = std::getenv("HOME");
  if (home && home[0] == '/') return home;
  std::ifstream passwd("/etc/passwd");
  for (std::string line; std::getline(passwd, line);) {
    const auto fields = base::Split(line, ':');
    if (fields.size() > 5 && fields[2] == std::to_string(::getuid()) && fields[5].starts_with('/'))
      return std::string(fields[5]);
  }
  return "/nonexistent";
}

}  // namespace

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
  context.home = HomeDirectory();
  return context;
}

}  // namespace bailey::cli
