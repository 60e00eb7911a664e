// How much memory a process keeps that waits for long, or that there are many of.
#pragma once

#include "os/errno.h"

namespace bailey::os {

// What malloc has free goes back to the kernel, and so does the executable's own code, until some
// of it is called again. For who has done most of its work and waits.
void ShrinkToWait();
// This process and all that it becomes or forks have memory in small pages alone: of a large one
// that is touched once, two megabytes are taken.
SysStatus ForbidLargePages();

}  // namespace bailey::os
