// Opens a userfaultfd, which stretches races in the kernel.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */) >= 0) Escaped("opened a userfaultfd");
  if (IsControl() && errno == ENOSYS) CannotBeTried("this kernel has no userfaultfd");
  Refused("userfaultfd");
  TryOpenForWriting("/dev/userfaultfd");
  AllRefused();
}
