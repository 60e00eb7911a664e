// libexec/bailey/bailey-vm: what `bailey vm`, `ps`, `stop` and `run --isolation microvm` become.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>

#include "cli/commands.h"
#include "cli/vm.h"
#include "os/process.h"

namespace bailey::cli {
namespace {

int Main(int argc, char** argv) {
  const std::string_view name = argc > 0 ? argv[0] : "";
  if (name == "run") return RunInVm(argc, argv);
  if (name == "ps") return RunPs(argc, argv);
  if (name == "stop") return RunStop(argc, argv);
  return RunVm(argc, argv);
}

}  // namespace
}  // namespace bailey::cli

int main(int argc, char** argv) {
  const bool runs = argc > 0 && std::string_view(argv[0]) == "run";
  const int failed = runs ? bailey::cli::kNoSandbox : bailey::cli::kUsage;
  try {
    if (const auto filled = bailey::os::FillStandardDescriptors(); !filled) {
      fmt::print(stderr, "bailey: open /dev/null: {}\n", std::strerror(filled.error().value));
      return failed;
    }
    const int code = bailey::cli::Main(argc, argv);
    if (std::fflush(stdout) != 0 && code == bailey::cli::kYes) {
      std::perror("bailey: write standard output");
      return failed;
    }
    return code;
  } catch (const std::exception& exception) {
    fmt::print(stderr, "bailey: internal error: {}\n", exception.what());
    return runs ? failed : bailey::cli::kBug;
  }
}
