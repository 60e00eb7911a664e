// The network namespace's own interfaces.
#pragma once

#include "os/errno.h"

namespace bailey::os {

// Brings lo up in the caller's network namespace: 127.0.0.1 and ::1 appear with it.
SysStatus BringLoopbackUp();

}  // namespace bailey::os
