// What is left of a plan where namespaces are given up by name: Landlock and the filter, on the
// host's own mounts and among its processes. What neither can keep is an error where it was asked
// for by name, and else a note.
#pragma once

#include <set>

#include "base/result.h"
#include "policy/policy.h"
#include "sandbox/plan.h"

namespace bailey::sandbox {

// After the root is planned, and before what follows from it.
base::Status GiveUpNamespaces(const policy::Policy& policy, const std::set<Layer>& without,
                              Plan& plan);
// After limits are planned: one that the kernel would count over all the user's processes is none.
void DropCountedLimits(Plan& plan);

}  // namespace bailey::sandbox
