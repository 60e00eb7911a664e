// What a privileged launcher does before it forks: it clones the sources of binds with its own
// rights, and lets the payload's unprivileged id be the owner of what was granted to it.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {

// The id-mapped mount's map for files owned by `owner` on disk, seen inside as `payload`. Other
// ids stay themselves; files that `payload` really owns on disk belong to nobody in such a mount.
std::vector<os::IdRange> OwnerMap(std::uint32_t owner, std::uint32_t payload);

// Fills `sources`, by root step, for every bind.
base::Status ClonePrivileged(const Plan& plan, std::vector<base::UniqueFd>& sources);

// Anonymous pipes among these descriptors become the payload's, so that programs can open
// /dev/stderr; as a user they are anyway.
base::Status GivePipes(const Identity& identity, std::span<const int> descriptors);

}  // namespace bailey::sandbox
