// The kernel's answer as JSON, where prove and diff show it.
#pragma once

#include <nlohmann/json.hpp>

#include "prove/replay.h"

namespace bailey::cli {

nlohmann::ordered_json ReplayJson(const prove::ReplayAnswer& answer);

}  // namespace bailey::cli
