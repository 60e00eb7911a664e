#include "cli/run_command.h"

#include <fmt/format.h>

#include <cerrno>
#include <limits>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"

namespace bailey::cli {
namespace {

constexpr char kDescription[] =
    "Runs a program behind the wall that a policy describes.\n"
    "The exit status is the program's own (128+n for signal n), or 124 when its time was over,\n"
    "125 when the sandbox could not be built, 126 or 127 when there was no program to execute.";

void Describe(Arguments& arguments, RunOptions& options) {
  arguments.EndsInProgram("Then: [--] PROGRAM [ARGUMENTS]");
  Describe(arguments, options.sandbox);
  arguments.Flag("--overlay", options.sandbox.overlay,
                 "keep changes of what is writable aside, for `bailey changes`");
  arguments.Flag("--dry-run", options.dry_run, "print the plan, and run nothing");
  arguments.Flag("--pool", options.pool,
                 "use a sandbox that `bailey pool` has prepared, where there is one");
  arguments.Flag("--json", options.json, "print the result as JSON, after the program's output");
  arguments.Value("--json-file", options.json_file, "write the result as JSON to a file");
  arguments.Value("--json-fd", options.json_descriptor,
                  "write the result as JSON to this open descriptor");
  arguments.Value("--isolation", options.isolation, "process, or microvm: a kernel of its own")
      .OneOf({"process", "microvm"});
  arguments.Value("--image", options.image, "the machine's root: `bailey vm image` (default)");
  arguments.Value("--kernel", options.kernel, "a directory with the machine's kernel");
  arguments.Value("--vmm", options.vmm, "what the machine runs in: qemu (default), or firecracker")
      .OneOf({"qemu", "firecracker"});
  arguments.Value("--vmm-directory", options.vmm_directory,
                  "where firecracker and jailer lie (/usr/local/bin, /usr/bin)");
  arguments.Value("--id", options.id, "the machine's name for `bailey ps` and `bailey stop`");
  arguments.Value("--start-timeout", options.start_timeout,
                  "how long the machine may be silent where it is to answer (120s)");
}

// With the program, which stands behind the options.
base::Status AddProgram(RunOptions& options, const Arguments& arguments,
                        const std::vector<std::string>& behind_dashes) {
  options.program = arguments.Program();
  if (!options.program.empty() && options.program[0].starts_with('-')) {
    return base::InvalidInput(fmt::format("read option {}: unknown (see `bailey run --help`)",
                                          base::Escape(options.program[0])));
  }
  options.program.insert(options.program.end(), behind_dashes.begin(), behind_dashes.end());
  if (options.program.empty())
    return base::InvalidInput("start program: none is named (see `bailey run --help`)");
  return {};
}

}  // namespace

std::optional<int> ReadRunOptions(int argc, char** argv, RunOptions& options) {
  Arguments arguments("run", kDescription);
  Describe(arguments, options);
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kNoSandbox)) return code;
  if (const auto added = AddProgram(options, arguments, words.program); !added) {
    (void)Fail("run", added.error());
    return kNoSandbox;
  }
  return std::nullopt;
}

base::Result<Report> Report::Open(const RunOptions& options) {
  Report report;
  report.file_ = options.json ? stdout : nullptr;
  if (!options.json_file.empty()) {
    report.file_ = std::fopen(options.json_file.c_str(), "we");
    if (!report.file_) return base::SystemError("open " + options.json_file, errno);
  }
  if (options.json_descriptor) {
    const std::uint64_t number = *options.json_descriptor;
    const bool fits = number <= std::numeric_limits<int>::max();
    report.file_ = fits ? ::fdopen(static_cast<int>(number), "w") : nullptr;
    if (!report.file_) {
      return base::SystemError(fmt::format("write report to descriptor {}", number),
                               fits ? errno : EBADF);
    }
  }
  return report;
}

bool Report::Write(const std::string& text) const {
  fmt::print(file_, "{}\n", text);
  if (std::fflush(file_) == 0) return true;
  std::perror("bailey run: write the report");
  return false;
}

}  // namespace bailey::cli
