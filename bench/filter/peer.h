// The same policy through libseccomp.
#pragma once

#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "bpf/instruction.h"
#include "policy/policy.h"

namespace bailey::bench {

// `tree`: libseccomp's binary tree (SCMP_FLTATR_CTL_OPTIMIZE = 2). Builds the filter and exports
// its bytes, as container engines do. Only for policies that profiles can say.
base::Result<std::vector<bpf::Instruction>> BuildWithLibseccomp(const policy::Syscalls& syscalls,
                                                                bool tree);

// Whether this libseccomp's table of the architecture has the call.
bool IsKnownToPeer(abi::Arch arch, const std::string& call);

}  // namespace bailey::bench
