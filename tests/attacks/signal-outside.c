// Signals a process of the host.
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  pid_t victim = atoi(Given("pid"));
  if (kill(victim, 0) == 0) Escaped("may signal process %d", (int)victim);
  Refused("kill %d", (int)victim);
  if (syscall(SYS_tgkill, victim, victim, 0) == 0) Escaped("may signal thread %d", (int)victim);
  Refused("tgkill %d", (int)victim);
  AllRefused();
}
