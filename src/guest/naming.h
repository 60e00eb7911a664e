// Files that a call names, which goes on whatever they are (`[audit] files`): those that are not
// there, and those that it would change. All others are shown to the program anyway.
#pragma once

#include <sys/types.h>

#include <span>

#include "bpf/instruction.h"
#include "guest/command.h"
#include "guest/task.h"

namespace bailey::guest {

// How many there are; their paths, absolute in the root of the program, go to `paths`.
std::size_t FilesOf(const Command& command, const bpf::SeccompData& call, pid_t task,
                    std::span<Text> paths);

}  // namespace bailey::guest
