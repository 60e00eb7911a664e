// Sets up an io_uring, whose operations no filter sees.
#include <linux/io_uring.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof(parameters));
  if (syscall(SYS_io_uring_setup, 4, &parameters) >= 0) Escaped("made an io_uring");
  if (IsControl() && (errno == ENOSYS || errno == EPERM)) {
    CannotBeTried("this kernel gives no io_uring to this user");
  }
  Refused("io_uring_setup");
  AllRefused();
}
