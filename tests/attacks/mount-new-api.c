// Mounts with the calls of Linux 5.2 and later, which lists of forbidden calls forget
// (CVE-2021-41133).
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (syscall(430 /* fsopen */, "tmpfs", 0) >= 0) Escaped("opened a file system with fsopen");
  Refused("fsopen");
  if (syscall(428 /* open_tree */, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */) >= 0) {
    Escaped("copied the tree of mounts with open_tree");
  }
  Refused("open_tree");
  if (syscall(433 /* fspick */, AT_FDCWD, "/", 0) >= 0) Escaped("picked a mount with fspick");
  Refused("fspick");
  uint64_t attributes[4] = {0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0};
  if (!IsControl() &&
      syscall(442 /* mount_setattr */, AT_FDCWD, "/", 0, attributes, sizeof(attributes)) == 0) {
    Escaped("made / writable with mount_setattr");
  }
  Refused("mount_setattr");
  if (syscall(467 /* open_tree_attr */, AT_FDCWD, "/", 1, attributes, sizeof(attributes)) >= 0) {
    Escaped("copied the tree of mounts with open_tree_attr");
  }
  Refused("open_tree_attr");
  AllRefused();
}
