// The filter of a process that does one thing: the calls that it makes, by name, and no others.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::bpf {

// Any other call, and any of another architecture, kills the process. A name that this machine's
// architecture has no call of is passed over: some have only the newer of two. kInternal: more than
// 128 calls.
base::Result<Program> AllowOnly(std::span<const std::string_view> calls);

}  // namespace bailey::bpf
