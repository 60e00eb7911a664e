// As tty-inject, with a bit set that the kernel ignores and a 64-bit comparison sees
// (CVE-2019-10063).
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (syscall(SYS_ioctl, 0L, (1L << 32) | TIOCSTI, " ") == 0) {
    Escaped("pushed a character into the terminal");
  }
  if (IsControl() && errno == EIO) CannotBeTried("dev.tty.legacy_tiocsti is 0 on this host");
  Refused("ioctl TIOCSTI | 1 << 32");
  AllRefused();
}
