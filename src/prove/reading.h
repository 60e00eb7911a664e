// A slow reading of a policy's system call part: it answers one call by walking the rules as
// policy.h states their meaning. It shares no code with compile, and is what a compiled filter is
// compared with.
//
//   prove::Decision decision = prove::Decide(policy.syscalls, {.nr = 56, .arch = token});
//   if (auto same = prove::Check(policy.syscalls, program); !same) return same.error();
//
// Where policy.h leaves something open, as compile.h decides it: `foreign` by an errno's name is
// numbered as on the first architecture; negative numbers under x86_64's token are x86_64's if it
// is listed. A condition that has no meaning on an architecture (compile refuses it) kills.
#pragma once

#include <cstddef>
#include <string>

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

// Whether [audit] probes of the policy names the call.
bool IsProbe(const policy::Policy& policy, const bpf::SeccompData& data);

// Compares `program` with the reading, over every number of every architecture (and the numbers
// around them, foreign architectures, x32's both forms) and the boundary values of every condition:
// each constant, one less and one more, with each bit of its mask turned, sign bits, all zeros, all
// ones, and what lies above the argument's width. Where the product of one call's arguments would
// be more than about a thousand, each value and a fixed sample of the product are tried: so this
// finds mistakes, and is no proof. A difference is a kViolation that prints the call and both
// answers. `tried` counts the calls compared.
base::Status Check(const policy::Syscalls& syscalls, const bpf::Program& program,
                   std::size_t* tried = nullptr);

}  // namespace bailey::prove
