// Asking a person on a terminal.
#pragma once

#include <string_view>

#include "os/errno.h"

namespace bailey::os {

// Throws away what was typed and nobody has read (tcflush(3)).
SysStatus FlushTypedAhead(int terminal);
// Waits until everything is written.
SysStatus WriteFully(int fd, std::string_view text);

}  // namespace bailey::os
