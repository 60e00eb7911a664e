// What `hide` means for a root whose mounts are planned: masks over what binds show, and for names
// that do not exist yet, stubs to lie them on.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/host_path.h"
#include "sandbox/root.h"

namespace bailey::sandbox {

// Appends to `plan` the pins and masks, and the stubs that they need on the host. A path names a
// file of the host, at each place where a bind shows it; one that only exists inside (below a bind
// to another place) is taken as that. In what the program may write, the directories on the way to
// a path are pinned, so that none can be moved away and made anew.
base::Status PlanMasks(const std::vector<std::string>& hide, HostPaths& paths, RootPlan& plan);

}  // namespace bailey::sandbox
