// The open descriptors of a process that lead somewhere which its mounts do not.
#pragma once

#include <set>
#include <vector>

#include "os/errno.h"
#include "review/confinement.h"

namespace bailey::review {

// `process`: its directory in /proc. `mounts`: the ids of what is mounted for it; a file of another
// mount lies outside. What it could open by itself is left out.
os::SysResult<std::vector<Descriptor>> ReadDescriptors(int process, const std::set<int>& mounts,
                                                       const Confinement& confinement);

}  // namespace bailey::review
