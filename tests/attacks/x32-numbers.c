// Calls by x32's numbers: x86_64's with bit 30 set, and x32's own from 512 without it.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (syscall(SYS_getpid | 0x40000000) > 0) Escaped("getpid answers by its x32 number");
  if (IsControl() && errno == ENOSYS) CannotBeTried("this kernel has no x32");
  Refused("getpid | x32");
  if (syscall(SYS_unshare | 0x40000000, CLONE_NEWUSER) == 0) Escaped("unshare by its x32 number");
  Refused("unshare | x32");
  if (syscall(521 /* x32's ptrace */, 0x4206, 1, 0, 0) == 0) Escaped("ptrace by x32's own number");
  Refused("521");
  AllRefused();
}
