// Starts processes until it may start no more.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

enum { kMost = 5000 };

void Attack(void) {
  static pid_t children[kMost];
  int count = 0;
  while (count < kMost) {
    pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    if (child < 0) break;
    children[count++] = child;
  }
  int error = errno;
  for (int i = 0; i < count; ++i) kill(children[i], SIGKILL);
  for (int i = 0; i < count; ++i) waitpid(children[i], NULL, 0);
  if (count == kMost) Escaped("started %d processes", count);
  errno = error;
  Refused("fork: %d processes", count);
  AllRefused();
}
