// Mounts, makes a mount writable again, and takes one away.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  (void)!mkdir("mount-point", 0700);
  if (mount("none", "mount-point", "tmpfs", 0, NULL) == 0) {
    umount2("mount-point", MNT_DETACH);
    Escaped("mounted a tmpfs");
  }
  Refused("mount tmpfs");
  if (mount("/", "mount-point", NULL, MS_BIND, NULL) == 0) {
    umount2("mount-point", MNT_DETACH);
    Escaped("bound / to a directory");
  }
  Refused("mount --bind /");
  if (!IsControl()) {
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0) Escaped("made / writable");
    Refused("remount /");
    if (umount2("/proc", MNT_DETACH) == 0) Escaped("took /proc away");
    Refused("umount /proc");
  }
  rmdir("mount-point");
  AllRefused();
}
