// How a machine is started, beside its configuration.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "review/machine.h"

namespace bailey::review {

// The words after "firecracker" or "jailer", the first of them being that name or a path that ends
// with it: --id, --no-seccomp, --log-path, --metrics-path, --api-sock, --chroot-base-dir and so on;
// after "--" the jailer's are firecracker's. Others are errors.
base::Status ReadMachineArguments(std::span<const std::string> arguments, Machine& machine);

}  // namespace bailey::review
