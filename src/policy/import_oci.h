// Seccomp profiles of container engines as policies: the OCI runtime specification's `seccomp`
// object, and Docker's and Podman's superset of it, in which rules depend on capabilities,
// architectures and the kernel.
//
//   auto syscalls = policy::ImportOci(json, "default.json", {.capabilities = {"CAP_CHOWN"}});
//   if (!syscalls) return syscalls.error();      // "read profile default.json: syscalls[3]: ..."
//
// Meaning, as container engines and libseccomp give it:
//   - a rule without arguments decides its call, whatever other rules there are for it; of
//     several such the first does (Podman's profile allows setns and further down denies it);
//   - a rule's arguments must all match, but rules that name one argument twice are alternatives;
//   - comparisons are unsigned, and made at the argument's true width. A value too large for the
//     argument is compared with the whole register;
//   - names that no table has are left out.
// What profiles do not say: numbers that no table names are answered ENOSYS when the default is an
// errno (as runc does for those newer than a profile), otherwise by the default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

struct OciOptions {
  std::vector<std::string> capabilities;  // of the container: "CAP_SYS_ADMIN"
  abi::Arch native = abi::NativeArch();
  // Instead of what the profile says for `native`; empty: as the profile says.
  std::vector<abi::Arch> architectures;
  unsigned kernel_major = ~0u;  // for `minKernel`; the default is newer than any
  unsigned kernel_minor = 0;
};

// `file` is what errors and rules' locations call it.
base::Result<Syscalls> ImportOci(std::string_view json, std::string_view file,
                                 const OciOptions& options = {});

// What Docker and containerd give a container that asks for nothing.
std::vector<std::string> DefaultContainerCapabilities();

}  // namespace bailey::policy
