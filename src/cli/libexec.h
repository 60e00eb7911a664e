// Commands whose executables link more than `bailey` does: they are files in libexec/bailey, beside
// `bailey` in the build tree, and beside its folder where it is installed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bailey::cli {

// Where libexec/bailey/bailey-<name> is.
base::Result<std::string> FindLibexec(std::string_view name);
// Becomes libexec/bailey/bailey-<command>; returns only where that fails, with the exit code.
int Become(std::string_view command, char** argv);
// The same for an executable of several commands; `failed` is the exit code.
int BecomeFor(std::string_view executable, std::string_view command, char** argv, int failed);

// In such an executable: its main function, around the command's own; and where `bailey` is.
int MainOfLibexec(int argc, char** argv, int (*run)(int argc, char** argv));
base::Result<std::string> FindBailey();

}  // namespace bailey::cli
