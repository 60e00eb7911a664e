// What a process has from its parent and passes on to its children, unless somebody changes it.
#pragma once

#include <cstdint>
#include <vector>

namespace bailey::os {

std::uint32_t FileCreationMask();
// The soft and the hard limit of every resource, in the order of the kernel's numbers.
std::vector<std::uint64_t> ResourceLimits();

}  // namespace bailey::os
