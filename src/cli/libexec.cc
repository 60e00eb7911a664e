#include "cli/libexec.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"

namespace bailey::cli {

int Become(std::string_view command, char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Fail(command, base::SystemError("find bailey's executable", error.value()));
  const std::string name = fmt::format("bailey-{}", command);
  int number = ENOENT;
  for (const char* from : {"libexec/bailey", "../libexec/bailey"}) {
    const std::string path = (self.parent_path() / from / name).string();
    ::execv(path.c_str(), argv);
    if (errno != ENOENT) number = errno;
  }
  return Fail(command, base::SystemError(fmt::format("start libexec/bailey/{}", name), number));
}

}  // namespace bailey::cli
