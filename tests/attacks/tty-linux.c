// Pastes into the console by TIOCLINUX (CVE-2023-28100). A terminal that is no console answers
// ENOTTY: the request came through to the driver.
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  char paste = 3;
  const long requests[] = {TIOCLINUX, (1L << 32) | TIOCLINUX};
  for (size_t i = 0; i < 2; ++i) {
    if (syscall(SYS_ioctl, 0L, requests[i], &paste) == 0 || errno == ENOTTY || errno == EINVAL) {
      Escaped("TIOCLINUX reached the terminal's driver");
    }
    Refused("ioctl TIOCLINUX%s", i == 0 ? "" : " | 1 << 32");
  }
  AllRefused();
}
