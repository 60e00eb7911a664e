// The system call filter of a systemd unit as a policy: SystemCallFilter=, SystemCallErrorNumber=
// and SystemCallArchitectures= of a unit file or a drop-in; other lines are passed over.
//
//   auto syscalls = policy::ImportSystemd("[Service]\nSystemCallFilter=@system-service\n",
//                                         "x.service");
//   if (!syscalls) return syscalls.error();   // "x.service:2: read SystemCallFilter: ..."
//
// Meaning, as systemd gives it: the first SystemCallFilter= makes a list of what is allowed, or
// with a ~ of what is denied; later ones add to it or take away; an empty one begins anew. A list
// of what is allowed has @default too. What is denied kills the process, or answers the errno of
// SystemCallErrorNumber=, or the one written behind the call ("~mount:EACCES"). Numbers that no
// table names answer ENOSYS where a list allows, and are allowed where it denies.
//
// Stricter than systemd: foreign architectures are killed even without SystemCallArchitectures=,
// and a name that no architecture has is an error. Groups are those of data/systemd-groups.txt.
#pragma once

#include <string_view>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

base::Result<Syscalls> ImportSystemd(std::string_view unit, std::string_view file,
                                     abi::Arch native = abi::NativeArch());

}  // namespace bailey::policy
