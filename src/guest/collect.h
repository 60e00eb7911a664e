// What the program has changed, written to a drive as tar (POSIX.1-1988, ustar): the entry
// "2/src/a.c" is of mount 2. Type 'L' and 'K' come before an entry whose name or link is long, as
// GNU tar has it; 'W' is a name that is gone, 'O' a directory that hides what lay below it.
#pragma once

#include "guest/command.h"

namespace bailey::guest {

// Of the command whose trees are of this stage. 0, or an errno: ENOSPC where the drive is too
// small.
int Collect(const Command& command, std::size_t stage, std::string_view drive,
            Collected& collected);

}  // namespace bailey::guest
