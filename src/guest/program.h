// The program: started in a mount namespace of its own, behind the layers that its command names.
#pragma once

#include <sys/types.h>

#include "guest/command.h"
#include "guest/listening.h"
#include "guest/trees.h"

namespace bailey::guest {

// What became of starting it. Nothing in here allocates.
struct Failure {
  Step step = Step::kCommand;
  int error = 0;                 // 0: it started
  std::size_t index = 0;         // of a mount, a grant or a limit
  const char* object = nullptr;  // of the network: what could not be done
};

struct Running {
  pid_t pid = -1;
  int input = -1;            // to write to; the terminal's master where it has one
  int output[2] = {-1, -1};  // to read from; with a terminal the first alone
};

// Does what does not depend on the next command, before there is one: makes the root's tree, a
// group and pipes, and forks a child, which enters all of it and waits. `command` is where the next
// one will be, in memory that the two share.
Failure PrepareProgram(const Command& command);
// Makes the command's own trees and limits, and waits until the program's own first instruction is
// next. `listening` has begun then, where the command asks for it.
Failure StartProgram(const Command& command, Running& running, Listening& listening);
// Unmakes what both have made, when all of the program is gone. 0, or an errno.
int ForgetProgram(const Command& command);
// Whether the kernel killed something for want of memory in the program's group.
bool HadMemoryKill();

}  // namespace bailey::guest
