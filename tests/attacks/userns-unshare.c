// Makes namespaces with unshare, and enters one with setns.
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (unshare(CLONE_NEWUSER) == 0) Escaped("made a user namespace with unshare");
  Refused("unshare CLONE_NEWUSER");
  if (unshare(CLONE_NEWNS) == 0) Escaped("made a mount namespace with unshare");
  Refused("unshare CLONE_NEWNS");
#if __WORDSIZE == 64
  if (syscall(SYS_unshare, (1UL << 40) | CLONE_NEWUSER) == 0) {
    Escaped("made a user namespace with a high bit in the flags");
  }
  Refused("unshare CLONE_NEWUSER with a high bit");
#endif
  int fd = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    Refused("open /proc/1/ns/mnt");
  } else {
    if (setns(fd, 0) == 0) Escaped("entered a namespace with setns");
    Refused("setns");
  }
  AllRefused();
}
