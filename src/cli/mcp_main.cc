// libexec/bailey/bailey-mcp: what `bailey mcp` becomes.
#include <fmt/format.h>

#include <string_view>

#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/mcp.h"

namespace bailey::cli {
namespace {

constexpr const char* kHelp =
    "Usage: bailey mcp wrap [OPTIONS] -- SERVER [ARGUMENTS]\n"
    "       bailey mcp wrap [OPTIONS] URL\n"
    "       bailey mcp wrap --config FILE [--undo] [OPTIONS]\n"
    "       bailey mcp serve [OPTIONS]\n"
    "       bailey mcp pins [SERVER [TOOL]] [--approve | --forget] [--json]\n"
    "\n"
    "Stands between a client of the Model Context Protocol and its servers.\n"
    "`bailey mcp COMMAND --help` describes a command.\n";

int RunMcpItself(int argc, char** argv) {
  // `bailey approvals` is of this executable too.
  if (argc > 0 && std::string_view(argv[0]) == "approvals") return RunApprovalsItself(argc, argv);
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (name == "wrap") return RunMcpWrap(argc - 1, argv + 1);
  if (name == "serve") return RunMcpServe(argc - 1, argv + 1);
  if (name == "pins") return RunMcpPins(argc - 1, argv + 1);
  if (name == "--help" || name == "-h") {
    fmt::print("{}", kHelp);
    return kYes;
  }
  fmt::print(stderr, "bailey mcp: {}\n{}",
             name.empty() ? "no command given" : fmt::format("no command \"{}\"", name), kHelp);
  return kUsage;
}

}  // namespace
}  // namespace bailey::cli

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunMcpItself);
}
