// A stack of layers to the Policy that they mean together.
#pragma once

#include <span>

#include "base/result.h"
#include "policy/layer.h"
#include "policy/load.h"
#include "policy/policy.h"

namespace bailey::policy {

// `layers` from the bottom (what is extended first) to the top (the command line).
base::Result<Policy> Stack(std::span<const Layer> layers, const Context& context);

}  // namespace bailey::policy
