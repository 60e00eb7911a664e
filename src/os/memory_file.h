// A file without a name, which a child may write to under /proc/self/fd.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

SysResult<base::UniqueFd> MakeMemoryFile(const char* name);
// All of it, from its beginning, at most `limit` bytes (EFBIG). Allocates.
SysResult<std::string> ReadMemoryFile(int fd, std::size_t limit);

}  // namespace bailey::os
