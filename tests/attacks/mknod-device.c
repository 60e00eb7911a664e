// Makes a device node of the kernel's memory and of the first disk.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  unlink("device");
  if (mknod("device", S_IFCHR | 0600, makedev(1, 1)) == 0) {
    unlink("device");
    Escaped("made a character device");
  }
  Refused("mknod character 1:1");
  if (mknodat(AT_FDCWD, "device", S_IFBLK | 0600, makedev(8, 0)) == 0) {
    unlink("device");
    Escaped("made a block device");
  }
  Refused("mknodat block 8:0");
  AllRefused();
}
