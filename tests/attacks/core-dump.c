// Crashes, to have the kernel write a core file, or run the host's handler for one.
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_CORE, &unlimited) < 0) Refused("raise RLIMIT_CORE");
  pid_t child = fork();
  if (child == 0) {
    struct rlimit most;
    getrlimit(RLIMIT_CORE, &most);
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_CORE, &most);
    abort();
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WCOREDUMP(status)) Escaped("the kernel dumped a core");
  if (IsControl()) CannotBeTried("this host dumps no cores");
  errno = 0;
  Refused("abort: no core");
  AllRefused();
}
