// The subcommands. Each is one file that parses its arguments, calls the folder that does the work,
// prints, and returns the exit status.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace bailey::cli {

// What `bailey <command>` exits with. `run` passes the program's own status instead, and uses the
// second group.
enum ExitCode : int {
  kYes = 0,      // done, proved, equal
  kNo = 1,       // refuted, different, findings
  kUsage = 2,    // bad usage or bad input
  kUnknown = 3,  // undecided, or not supported on this host
  kBug = 70,     // ours
  kTimeLimit = 124,
  kNoSandbox = 125,  // it could not be built; the program never ran
  kNotExecutable = 126,
  kNotFound = 127,
};

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(int argc, char** argv);  // argv[0] is the command's name
};

std::span<const Command> Commands();

// Prints "bailey <command>: <error>" on stderr and returns the exit code that its kind calls for.
int Fail(std::string_view command, const base::Error& error);

int RunBwrap(int argc, char** argv);
int RunRun(int argc, char** argv);
int RunCompile(int argc, char** argv);
int RunExplain(int argc, char** argv);
int RunProve(int argc, char** argv);
int RunDiff(int argc, char** argv);
int RunShow(int argc, char** argv);
int RunDisasm(int argc, char** argv);
int RunMcp(int argc, char** argv);
int RunAgent(int argc, char** argv);
int RunReview(int argc, char** argv);
int RunAuditCommand(int argc, char** argv);
int RunLearn(int argc, char** argv);
int RunDoctor(int argc, char** argv);
int RunGc(int argc, char** argv);
int RunChanges(int argc, char** argv);

}  // namespace bailey::cli
