// What supervisors of machines leave that are killed outright: their private directories. A library
// of its own, which links little.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::microvm {

// The directory of all machines, in the place of sandbox/state.h.
inline constexpr const char* kMachines = "machines";

os::SysResult<base::UniqueFd> OpenMachine(int place, const std::string& id);
// Whether the directory is still the one of this name: it may have been removed, and made anew,
// before it was locked.
bool IsStill(int place, const std::string& id, int directory);
// Removes the directories that nobody holds; the ids.
base::Result<std::vector<std::string>> CollectMachines();

}  // namespace bailey::microvm
