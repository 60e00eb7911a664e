// A control group of a user's own, for one launch.
#pragma once

#include "base/result.h"

namespace bailey::scope {

// Moves this process into a scope of its user's systemd, and there out of the way: below the scope
// groups with limits can be made from then on.
base::Status EnterScope();

}  // namespace bailey::scope
