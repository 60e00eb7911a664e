// Files below a directory, whatever their paths say: no "..", no symlink and no magic link leads
// out (openat2(2), RESOLVE_BENEATH: EXDEV where one would).
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// `path`: relative; "." for the directory itself. O_CLOEXEC is always added.
SysResult<base::UniqueFd> OpenBeneath(int directory, const char* path, int flags,
                                      unsigned mode = 0);
// Where an open file is now, by /proc/self/fd. Allocates.
SysResult<std::string> PathOf(int fd);
// Puts the file `from` in the place of `to`, both in this directory.
SysStatus RenameIn(int directory, const char* from, const char* to);

}  // namespace bailey::os
