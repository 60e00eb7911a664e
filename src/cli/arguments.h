// What the commands share about their arguments: where a program's own begin, and the context in
// which policies are read.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "policy/load.h"

namespace bailey::cli {

// The words before a lone "--" and those after it; without one, everything is before.
struct SplitWords {
  std::vector<std::string> options;
  std::vector<std::string> program;
};
SplitWords SplitAtDashes(int argc, char** argv);

// Parses; nullopt when the command is to go on, otherwise its exit code (help is printed on
// stdout, a mistake as one line on stderr).
std::optional<int> ParseArguments(CLI::App& app, std::string_view command,
                                  std::vector<std::string> words, int usage_error);

// $HOME and the current directory of the caller.
base::Result<policy::Context> CallerContext();

}  // namespace bailey::cli
