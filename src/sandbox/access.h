// The second wall around files: the same grants as the mounts, said once more to Landlock.
#pragma once

#include "sandbox/plan.h"

namespace bailey::sandbox {

// Rules for everything that the root shows. `abi` is the kernel's Landlock version, at least 1.
// A right that the version cannot express (truncate before 3, device ioctls before 5) is kept by
// the mounts alone: what is not granted for writing is a read-only mount.
LandlockPlan PlanLandlock(const RootPlan& root, int abi);

}  // namespace bailey::sandbox
