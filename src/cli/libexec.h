// Commands whose executables link more than `bailey` does: they are files in libexec/bailey, beside
// `bailey` in the build tree, and beside its folder where it is installed.
#pragma once

#include <string_view>

namespace bailey::cli {

// Becomes libexec/bailey/bailey-<command>; returns only where that fails, with the exit code.
int Become(std::string_view command, char** argv);

}  // namespace bailey::cli
