// For tests: that the filter of a process that does one thing, written by hand (bpf/allow_only.h),
// does what its list says, and no more.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::prove {

// Over every call, argument and architecture; and promises about what such a process keeps closed.
base::Status ProveWorkerFilter(std::span<const std::string_view> calls, const bpf::Program& filter);

}  // namespace bailey::prove
