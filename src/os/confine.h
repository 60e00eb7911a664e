// What a process that reads hostile bytes gives up that touches nothing but its descriptors.
#pragma once

#include "os/errno.h"

namespace bailey::os {

// No files (where there is Landlock), no capabilities, and nobody of the same user may look into
// its memory.
SysStatus Confine(bool landlock);

}  // namespace bailey::os
