// What a launcher does with a preset before it starts a program.
#pragma once

#include <optional>
#include <string_view>

#include "calls.h"

namespace bailey::bench {

// nullopt: there is no such preset, or it does not compile.
std::optional<Made> MakeFilter(std::string_view preset);

}  // namespace bailey::bench
