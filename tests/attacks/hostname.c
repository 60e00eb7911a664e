// Changes the host's name and domain (to what they are), and its clock (by nothing).
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  struct utsname names;
  uname(&names);
  if (sethostname(names.nodename, strlen(names.nodename)) == 0) Escaped("may set the host's name");
  Refused("sethostname");
  struct timex nothing = {.modes = ADJ_OFFSET};
  if (!IsControl() && adjtimex(&nothing) >= 0) Escaped("may set the clock");
  Refused("adjtimex");
  AllRefused();
}
