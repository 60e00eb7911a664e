#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>

#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/pool.h"
#include "os/process.h"
#include "os/start_heap.h"

namespace bailey::cli {
namespace {

int RunVmItself(int, char** argv) { return BecomeFor("vm", "vm", argv, kUsage); }
int RunPsItself(int, char** argv) { return BecomeFor("vm", "ps", argv, kUsage); }
int RunStopItself(int, char** argv) { return BecomeFor("vm", "stop", argv, kUsage); }
// Of the executable that keeps them.
int RunApprovals(int, char** argv) { return Become("mcp", argv); }

constexpr Command kCommands[] = {
    {"run", "run a program behind the wall that a policy describes", RunRun},
    {"pool", "keep sandboxes prepared, so that programs start sooner", RunPool},
    {"compile", "turn a policy into a seccomp filter", RunCompile},
    {"prove", "decide guarantees about a filter: proved, refuted with a call, undecided", RunProve},
    {"diff", "list what two filters answer differently", RunDiff},
    {"show", "print what a filter does as a policy", RunShow},
    {"explain", "say what a policy answers to a system call, and why", RunExplain},
    {"disasm", "print a seccomp filter as readable instructions", RunDisasm},
    {"review", "put a policy, a filter, a sandbox or its source on trial", RunReview},
    {"bwrap", "start a program as bubblewrap does, by its command line", RunBwrap},
    {"mcp", "MCP servers behind the wall: wrap one, or be one", RunMcp},
    {"agent", "let a language model work with tools behind the wall", RunAgent},
    {"audit", "say what sandboxes were denied: summary, query, follow, top, export",
     RunAuditCommand},
    {"learn", "run a program under observation, and write the policy that it needs", RunLearn},
    {"approvals", "list and revoke what tools were allowed to do", RunApprovals},
    {"doctor", "say what this host can enforce, and why not", RunDoctor},
    {"changes", "show, apply or drop what a sandbox has changed", RunChanges},
    {"vm", "build, list and remove the images of virtual machines", RunVmItself},
    {"ps", "list the virtual machines that run", RunPsItself},
    {"stop", "end virtual machines", RunStopItself},
    {"gc", "remove what killed launches left", RunGc},
};

std::string Usage() {
  std::string text = "Usage: bailey COMMAND [ARGUMENTS]\n\nCommands:\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  return text + "\n`bailey COMMAND --help` describes a command.\n";
}

int Main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (name == "--help" || name == "-h" || name == "help") {
    fmt::print("{}", Usage());
    return kYes;
  }
  if (name == "--version") {
    fmt::print("bailey {}\n", BAILEY_VERSION);
    return kYes;
  }
  const auto command = std::ranges::find(kCommands, name, &Command::name);
  if (command == std::end(kCommands)) {
    fmt::print(stderr, "bailey: {}\n{}",
               name.empty() ? "no command given" : fmt::format("no command \"{}\"", name), Usage());
    return kUsage;
  }
  return command->run(argc - 1, argv + 1);
}

// Under this name it is bubblewrap's stand-in, and nothing else.
bool IsCalledBwrap(const char* name) {
  const std::string_view path = name == nullptr ? "" : name;
  return path.substr(path.rfind('/') + 1) == "bwrap";
}

}  // namespace

std::span<const Command> Commands() { return kCommands; }

// They link what `bailey run` is to stay free of.
int RunMcp(int, char** argv) { return Become("mcp", argv); }
int RunAgent(int, char** argv) { return Become("agent", argv); }
int RunReview(int, char** argv) { return Become("review", argv); }
int RunAuditCommand(int, char** argv) { return Become("audit", argv); }
int RunLearn(int, char** argv) { return Become("learn", argv); }

}  // namespace bailey::cli

namespace {

// Who speaks where nothing has begun yet, and with which exit status.
struct Speaker {
  const char* name;
  int failed;
  int has_bug;
};

Speaker SpeakerFor(int argc, char** argv) {
  using namespace bailey::cli;
  const std::string_view command = argc > 1 ? argv[1] : "";
  // bubblewrap's clients know 1 only.
  if (IsCalledBwrap(argv[0]) || command == "bwrap") return {"bwrap", 1, 1};
  // `run` says with 125 that the program never ran, whatever the reason.
  if (command == "run") return {"bailey run", kNoSandbox, kNoSandbox};
  return {"bailey", kUsage, kBug};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace bailey;
  const Speaker speaker = SpeakerFor(argc, argv);
  if (speaker.failed == cli::kNoSandbox) os::BeginStartHeap();
  try {
    if (const auto filled = os::FillStandardDescriptors(); !filled) {
      fmt::print(stderr, "{}: open /dev/null: {}\n", speaker.name,
                 std::strerror(filled.error().value));
      return speaker.failed;
    }
    const int code =
        cli::IsCalledBwrap(argv[0]) ? cli::RunBwrap(argc, argv) : cli::Main(argc, argv);
    // A result that could not be written is not a result: a full disk or a closed pipe is an error.
    if (std::fflush(stdout) != 0 && code == cli::kYes) {
      std::perror("bailey: write standard output");
      return cli::kUsage;
    }
    return code;
  } catch (const std::exception& exception) {
    (void)std::fprintf(stderr, "%s: internal error: %s\n", speaker.name, exception.what());
    return speaker.has_bug;
  }
}
