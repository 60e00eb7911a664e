// A policy's seccomp filters, ready to be attached.
#pragma once

#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::cli {

// The policy's filter, proved equal to the policy's meaning, above those that the policy stacks:
// together they are proved to keep what it promises. With `notified`, the newest hands denials to
// its supervisor, and what is proved is what the two answer together.
base::Result<std::vector<bpf::Program>> ProvedFilters(const policy::Policy& policy,
                                                      bool notified = false);

}  // namespace bailey::cli
