// Makes a user namespace with clone, to hold every capability in it.
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const unsigned long flags[] = {CLONE_NEWUSER | SIGCHLD, CLONE_NEWUSER | SIGCHLD | (1UL << 40)};
  for (size_t i = 0; i < 2; ++i) {
    long child = syscall(SYS_clone, flags[i], 0, 0, 0, 0);
    if (child == 0) _exit(0);
    if (child > 0) {
      waitpid((pid_t)child, NULL, 0);
      Escaped("made a user namespace with clone");
    }
    Refused(i == 0 ? "clone CLONE_NEWUSER" : "clone CLONE_NEWUSER with a high bit");
  }
  AllRefused();
}
