// A policy's system call part as a diagram: computed from what policy.h states, by a path of its
// own that shares nothing with compile.
//
//   verify::Diagram diagram;
//   verify::Ref wanted = PolicyMeaning(diagram, policy.syscalls);
//   if (wanted == verify::MeaningOf(diagram, program, false)) ...   // the filter says the same
//
// Where policy.h leaves something open, as compile.h decides it: `foreign` by an errno's name is
// numbered as on the first architecture; negative numbers under x86_64's token are x86_64's if it
// is listed. A condition that has no meaning on an architecture (compile refuses it) kills.
#pragma once

#include "policy/policy.h"
#include "verify/diagram.h"

namespace bailey::prove {

verify::Ref PolicyMeaning(verify::Diagram& diagram, const policy::Syscalls& syscalls);

}  // namespace bailey::prove
