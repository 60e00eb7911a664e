// What a process of the gateway gives up that touches nothing but its descriptors.
#pragma once

#include "os/errno.h"

namespace bailey::network {

// No files (where there is Landlock), no capabilities, and nobody of the same user may look into
// its memory.
os::SysStatus Confine(bool landlock);

}  // namespace bailey::network
