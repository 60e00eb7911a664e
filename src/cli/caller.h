// Who calls, as far as reading a policy depends on it.
#pragma once

#include "base/result.h"
#include "policy/load.h"

namespace bailey::cli {

// $HOME and the current directory of the caller.
base::Result<policy::Context> CallerContext();

}  // namespace bailey::cli
