// A policy's seccomp filters, ready to be attached.
#pragma once

#include <vector>

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::cli {

// The policy's filter, proved equal to the policy's meaning, above those that the policy stacks:
// together they are proved to keep what it promises.
base::Result<std::vector<bpf::Program>> ProvedFilters(const policy::Policy& policy);

}  // namespace bailey::cli
