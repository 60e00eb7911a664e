// Finds a key in the caller's session keyring, which every child inherits.
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", Given("key"), 0);
  if (key >= 0) Escaped("found the caller's key by keyctl");
  if (IsControl() && errno == ENOSYS) CannotBeTried("this kernel has no keyrings");
  Refused("keyctl search");
  key = syscall(SYS_request_key, "user", Given("key"), NULL, 0);
  if (key >= 0) Escaped("found the caller's key by request_key");
  Refused("request_key");
  AllRefused();
}
