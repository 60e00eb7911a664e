// Takes a descriptor out of PID 1.
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  int process = (int)syscall(SYS_pidfd_open, 1, 0);
  if (process < 0) {
    Refused("pidfd_open 1");
  } else {
    for (int fd = 0; fd < 3; ++fd) {
      if (syscall(SYS_pidfd_getfd, process, fd, 0) >= 0) Escaped("took descriptor %d of PID 1", fd);
    }
    // EBADF: PID 1 has none of these, but would have given them.
    if (errno == EBADF) Escaped("pidfd_getfd reaches PID 1");
    Refused("pidfd_getfd 1");
  }
  for (int fd = 0; fd < 16; ++fd) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/1/fd/%d", fd);
    char target[256];
    if (readlink(path, target, sizeof(target)) >= 0) Escaped("reads the link %s", path);
  }
  Refused("readlink /proc/1/fd");
  AllRefused();
}
