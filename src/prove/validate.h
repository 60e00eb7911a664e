// Translation validation: a filter is equal to the policy that it was made from, for every value of
// the 64 bytes that it sees.
//
//   auto program = compile::Compile(policy.syscalls);
//   if (auto same = prove::Validate(policy.syscalls, *program); !same) return same.error();
//
// The policy's meaning is computed without compile (policy_meaning.h) and compared by identity with
// the filter's own (verify). Nothing is sampled.
#pragma once

#include <memory>

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"
#include "verify/diagram.h"

namespace bailey::prove {

// A difference is a kViolation that prints a call and both answers. Where the limits end the work
// first, kUnsupported: the filter may be right, and is not to be used.
base::Status Validate(const policy::Syscalls& syscalls, const bpf::Program& program,
                      const verify::Limits& limits = {});

// What was proved, for further questions about the filter.
struct Validated {
  std::unique_ptr<verify::Diagram> diagram;
  verify::Ref meaning = verify::Diagram::kLost;  // the filter's and the policy's
};
base::Result<Validated> ValidateFor(const policy::Syscalls& syscalls, const bpf::Program& program,
                                    const verify::Limits& limits = {});

// The byte order of the machines that a policy's filter is for.
bool IsBigEndian(const policy::Syscalls& syscalls);

}  // namespace bailey::prove
