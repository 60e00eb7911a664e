// Where a launch writes down what it makes outside of its namespaces, so that it can be removed
// when the launch was killed: /run/bailey for root, $XDG_RUNTIME_DIR/bailey for a user, and where
// there is neither /tmp/bailey-UID. Each is its owner's alone (mode 0700), or is not used.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::sandbox {

// The directory `name` in the first place that can be used, made where it is missing.
base::Result<base::UniqueFd> OpenState(const std::string& name);
// The same directory in every place where it is.
std::vector<base::UniqueFd> FindState(const std::string& name);

}  // namespace bailey::sandbox
