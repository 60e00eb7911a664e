// A slow reading of a policy's system call part: it answers one call by walking the rules as
// policy.h states their meaning. It shares no code with compile, and is what a compiled filter is
// compared with.
#pragma once

#include "abi/action.h"
#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"

namespace bailey::prove {

struct Decision {
  abi::Action action;
  const policy::Rule* rule = nullptr;  // that decided; null for a default
  std::string reason;                  // one line: which rule or default, and where it is written
};

Decision Decide(const policy::Syscalls& syscalls, const bpf::SeccompData& data);

// Compares `program` with the reading, over every number of every architecture (and the numbers
// around them, foreign architectures, x32's both forms) and the boundary values of every condition.
// A difference is a kViolation that prints the call and both answers.
base::Status Check(const policy::Syscalls& syscalls, const bpf::Program& program);

}  // namespace bailey::prove
