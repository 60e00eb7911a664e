// Makes a user namespace with clone3, whose flags lie behind a pointer.
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0) _exit(0);
  if (child > 0) {
    waitpid((pid_t)child, NULL, 0);
    Escaped("made a user namespace with clone3");
  }
  Refused("clone3 CLONE_NEWUSER");
  AllRefused();
}
