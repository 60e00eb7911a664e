// Pushes characters into the terminal, as if the user had typed them (CVE-2017-5226).
#include <sys/ioctl.h>

#include "attack.h"

void Attack(void) {
  if (ioctl(0, TIOCSTI, " ") == 0) Escaped("pushed a character into the terminal");
  if (IsControl() && errno == EIO) CannotBeTried("dev.tty.legacy_tiocsti is 0 on this host");
  Refused("ioctl TIOCSTI");
  AllRefused();
}
