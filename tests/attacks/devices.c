// Opens every device node that is not one of the harmless few.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const char* const harmless[] = {"null",  "zero",   "full",   "random", "urandom", "tty",
                                  "stdin", "stdout", "stderr", "ptmx",   "console"};
  const char* const wanted[] = {"/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/fuse", "/dev/vhost-net"};
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); ++i) TryOpenForWriting(wanted[i]);
  DIR* directory = opendir("/dev");
  if (directory == NULL) {
    Refused("open /dev");
    AllRefused();
  }
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    bool is_harmless = false;
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); ++i) {
      is_harmless |= strcmp(entry->d_name, harmless[i]) == 0;
    }
    char path[512];
    snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
    struct stat status;
    if (is_harmless || stat(path, &status) < 0) continue;
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) continue;
    TryOpenForWriting(path);
  }
  AllRefused();
}
