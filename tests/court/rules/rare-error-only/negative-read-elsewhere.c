#include <errno.h>
#include <sched.h>

void Report(int r);

int Enter(void) {
  int r = unshare(CLONE_NEWUSER);
  if (r == -1 && errno == EINVAL) return -2;
  return r;
}

int Again(int fd) {
  int r = setns(fd, 0);
  if (r == -1 && errno == EPERM) return -2;
  Report(r);
  return 0;
}
