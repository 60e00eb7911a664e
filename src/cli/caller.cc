#include "cli/caller.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/text.h"
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
  // A name of its own: what a loop's range is made of ends before the loop begins.
  const std::string text = passwd.value_or("");
  const std::string user = std::to_string(::getuid());
  for (const std::string_view line : base::Split(text, '\n')) {
    const auto fields = base::Split(line, ':');
    if (fields.size() > 5 && fields[2] == user && fields[5].starts_with('/'))
      return std::string(fields[5]);
  }
  return std::string("/nonexistent");
}

}  // namespace

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
