// Leaves a key in the user keyring, where other processes of the user find it.
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  long key = syscall(SYS_add_key, "user", "bailey-attack", "x", 1, KEY_SPEC_USER_KEYRING);
  if (key >= 0) {
    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
    Escaped("added a key to the user keyring");
  }
  if (IsControl() && errno == ENOSYS) CannotBeTried("this kernel has no keyrings");
  Refused("add_key");
  key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0);
  if (key >= 0) Escaped("has the user keyring's id");
  Refused("keyctl get_keyring_id");
  AllRefused();
}
