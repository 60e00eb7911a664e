#include "cli/libexec.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "os/process.h"

namespace bailey::cli {

base::Result<std::string> FindLibexec(std::string_view name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::SystemError("find bailey's executable", error.value());
  // The last: for those that are there themselves.
  for (const char* from : {"libexec/bailey", "../libexec/bailey", "."}) {
    const std::string path = (self.parent_path() / from / fmt::format("bailey-{}", name)).string();
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return base::SystemError(fmt::format("find libexec/bailey/bailey-{}", name), ENOENT);
}

namespace {

// Returns only where that fails.
base::Error Execute(std::string_view executable, char** argv) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::SystemError("find bailey's executable", error.value());
  const std::string name = fmt::format("bailey-{}", executable);
  int number = ENOENT;
  // The last: for those that are there themselves.
  for (const char* from : {"libexec/bailey", "../libexec/bailey", "."}) {
    const std::string path = (self.parent_path() / from / name).string();
    ::execv(path.c_str(), argv);
    if (errno != ENOENT) number = errno;
  }
  return base::SystemError(fmt::format("start libexec/bailey/{}", name), number);
}

}  // namespace

int Become(std::string_view command, char** argv) { return Fail(command, Execute(command, argv)); }

int BecomeFor(std::string_view executable, std::string_view command, char** argv, int failed) {
  (void)Fail(command, Execute(executable, argv));
  return failed;
}

int MainOfLibexec(int argc, char** argv, int (*run)(int argc, char** argv)) {
  try {
    if (const auto filled = os::FillStandardDescriptors(); !filled) {
      fmt::print(stderr, "bailey: open /dev/null: {}\n", std::strerror(filled.error().value));
      return kUsage;
    }
    const int code = run(argc, argv);
    // A report that could not be written is none: a full disk or a closed pipe is an error.
    if (std::fflush(stdout) != 0) {
      std::perror("bailey: write standard output");
      return kUsage;
    }
    return code;
  } catch (const std::exception& exception) {
    (void)std::fprintf(stderr, "bailey: internal error: %s\n", exception.what());
    return kBug;
  }
}

base::Result<std::string> FindBailey() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return base::SystemError("find bailey's executable", error.value());
  for (const char* from : {"../../bailey", "../../bin/bailey"}) {
    const auto path = (self.parent_path() / from).lexically_normal();
    if (std::filesystem::is_regular_file(path, error)) return path.string();
  }
  return base::SystemError(fmt::format("find bailey beside {}", self.parent_path().string()),
                           ENOENT);
}

}  // namespace bailey::cli
