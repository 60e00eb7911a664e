// What a process that reads hostile bytes gives up that touches nothing but its descriptors.
#pragma once

#include <span>

#include "os/errno.h"

namespace bailey::os {

// No files (where there is Landlock), no capabilities, and nobody of the same user may look into
// its memory.
SysStatus Confine(bool landlock);
// The same, but files at these paths and below can be read.
SysStatus ConfineToReading(bool landlock, std::span<const char* const> paths);

}  // namespace bailey::os
