// The old way out of a chroot: change the root below oneself, then climb.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  (void)!mkdir("below", 0700);
  if (chroot("below") == 0) Escaped("changed its root directory");
  Refused("chroot");
  if (syscall(SYS_pivot_root, ".", ".") == 0) Escaped("pivoted its root");
  Refused("pivot_root");
  rmdir("below");
  AllRefused();
}
