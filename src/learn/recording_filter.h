// The filter under which a program is learned: every call goes on, seen by the supervisor.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::learn {

// Calls of the native and the compat architecture are handed to the supervisor, which lets them go
// on; other architectures kill. Only what a task of a launch calls between filter and program, and
// what returns from signals, is allowed unseen: Unseen().
base::Result<bpf::Program> RecordingFilter();

// By name; every learned policy allows them.
std::span<const std::string_view> Unseen();

}  // namespace bailey::learn
