// Uses descriptors that the caller forgot to close: the driver leaves a secret on 7 and a
// directory outside on 8.
#include <fcntl.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  for (int fd = 3; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) Escaped("descriptor %d was left open", fd);
  }
  Refused("fcntl 3..1023");
  AllRefused();
}
