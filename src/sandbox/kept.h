// Changes of what a program may write, kept aside: an overlay over each directory of the host,
// whose upper layer is a private directory that outlives the sandbox.
//
//   ID/                   mode 0700; locked while the sandbox runs
//     0/source            "<device> <inode> <nanoseconds since 1970> <path>": what lies below, and
//     since when 0/held              names that were made to be masked, ended by null bytes: no
//     changes 0/upper, 0/work     the overlay's 1/...
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/plan.h"

namespace bailey::sandbox {

// Where this user's changes are kept: $XDG_STATE_HOME/bailey/changes,
// ~/.local/state/bailey/changes, or /var/lib/bailey/changes for root.
base::Result<std::string> KeptPlace();
// A new name in it: letters, digits and dashes.
std::string NewKeptName();

// Makes what the plan's binds need; the descriptor holds the lock.
base::Result<base::UniqueFd> MakeKept(const Plan& plan);

}  // namespace bailey::sandbox
