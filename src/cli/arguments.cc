#include "cli/arguments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "cli/commands.h"
#include "os/file.h"

namespace bailey::cli {
namespace {

// $HOME, or what /etc/passwd says: getpwuid(3) would load shared libraries, which a static program
// cannot. A user that is in neither has no home with secrets to hide.
base::Result<std::string> HomeDirectory() {
  constexpr std::size_t kLimit = 16 << 20;
  const char* home = std::getenv("HOME");
  if (home && home[0] == '/') return std::string(home);
  const auto passwd = os::ReadFile(AT_FDCWD, "/etc/passwd", kLimit);
  if (!passwd && passwd.error().value != ENOENT)
    return base::SystemError("read /etc/passwd for the home directory", passwd.error().value);
  const std::string user = std::to_string(::getuid());
  for (const std::string_view line : base::Split(passwd.value_or(""), '\n')) {
    const auto fields = base::Split(line, ':');
    if (fields.size() > 5 && fields[2] == user && fields[5].starts_with('/'))
      return std::string(fields[5]);
  }
  return std::string("/nonexistent");
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
  auto home = HomeDirectory();
  if (!home) return home.error();
  context.home = *std::move(home);
  return context;
}

}  // namespace bailey::cli
