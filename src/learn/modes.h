// Calls that give a file its mode, and so may set the bits by which whoever executes it becomes
// somebody else.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace bailey::learn {

inline constexpr auto kGivingMode =
    std::to_array<std::string_view>({"chmod", "creat", "fchmod", "fchmodat", "fchmodat2", "mkdir",
                                     "mkdirat", "mknod", "mknodat", "open", "openat"});
constexpr bool GivesMode(std::string_view call) {
  return std::ranges::find(kGivingMode, call) != kGivingMode.end();
}
// Only where their flags say that they make a file.
constexpr bool NeedsFlags(std::string_view call) { return call == "open" || call == "openat"; }

}  // namespace bailey::learn
