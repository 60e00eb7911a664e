// [syscalls] of a stack of layers, as the flat list of rules that policy.h gives a meaning.
#pragma once

#include <span>

#include "base/result.h"
#include "policy/layer.h"
#include "policy/policy.h"

namespace bailey::policy {

// `layers` from the bottom (what is extended first) to the top (the command line).
base::Result<Syscalls> StackCalls(std::span<const Layer> layers, abi::Arch native);

}  // namespace bailey::policy
