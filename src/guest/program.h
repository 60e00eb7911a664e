// The program: started in a mount namespace of its own, behind the layers that its command names.
#pragma once

#include <sys/resource.h>
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

// Makes the command's own trees and limits, and waits until the program's own first instruction is
// next. `listening` has begun then, where the command asks for it.
Failure StartProgram(const Command& command, Running& running, Listening& listening);
// Kills what it has left, and waits until all of that is gone. 0, or an errno. `alone`: there was
// nothing, and the program itself, which has ended, can still be waited for; otherwise it was, and
// what it used is added to `others` like all the rest.
int KillProgram(bool& alone, rusage& others);
void AddUsage(const rusage& one, rusage& all);
// When it is gone: the next command is another one's. Unmakes what was made for it, and prepares
// for as many as are wanted, before they are known: makes the root's tree, a group and pipes, and
// forks a child, which enters all of it and waits. One for a command that is like this one is all
// that the program will be, but for its execution; where another comes after all, it is not used.
// Where a child waits for the next one already, what was made for this one stays where nobody sees
// it: to unmake it would take longer than to run the next.
// `command` is where the next one will be, in memory that all of them share; `listening` waits for
// the calls of a child that needs nothing more than its words.
Failure ForgetProgram(const Command& command, const Forget& wanted, Listening& listening);
// Below which the program's trees are.
std::size_t StageOfProgram();
// Whether the kernel killed something for want of memory in the program's group.
bool HadMemoryKill();

}  // namespace bailey::guest
