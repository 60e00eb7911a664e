// Traces the program's parent.
#include <sys/ptrace.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  // The parent of a program that started a PID namespace is not in it.
  if (OuterParent() == 0) {
    errno = ESRCH;
    Refused("the parent is in no namespace of ours");
    AllRefused();
  }
  // PTRACE_SEIZE stops nothing; it ends with this process.
  if (ptrace(PTRACE_SEIZE, OuterParent(), 0, 0) == 0) Escaped("traces its parent");
  Refused("ptrace parent %d", (int)OuterParent());
  AllRefused();
}
