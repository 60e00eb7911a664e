// Policies in the formats of others. What a format cannot say is an error (kUnsupported) that names
// the rule: an export never means less, or more, than its policy.
//
//   auto json = compile::ExportOci(policy.syscalls);
//   if (!json) return json.error();   // "write OCI profile: the rule for ioctl (deny of x): ..."
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/policy.h"

namespace bailey::compile {

// The OCI runtime specification's `seccomp` object. Comparisons are written as masked ones, so
// that they look at the bits that the kernel looks at, also when libseccomp reads them. Not
// sayable: an answer to unknown numbers other than ENOSYS (where the default is an errno) or the
// default, an answer to foreign architectures other than kill, data of traps, raw numbers, what
// differs between architectures. Where a policy follows multiplexers, what each of their subcalls
// answers is written out; libseccomp may add rules of its own to that.
base::Result<std::string> ExportOci(const policy::Syscalls& syscalls);

// Firecracker's seccompiler, with one filter under the name of a thread. For one architecture
// (x86_64, aarch64 or riscv64) and one answer beside the default, which unknown numbers get too.
base::Result<std::string> ExportFirecracker(const policy::Syscalls& syscalls,
                                            std::string_view thread);

}  // namespace bailey::compile
