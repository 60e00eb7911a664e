// Reads the password hashes of the host.
#include "attack.h"

void Attack(void) {
  TryRead("/etc/shadow");
  TryRead("/etc/shadow-");
  TryRead("/proc/1/root/etc/shadow");
  AllRefused();
}
