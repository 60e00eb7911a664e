// Reads the host's process list, and the command line of a process there.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  DIR* directory = opendir("/proc");
  if (directory == NULL) {
    Refused("open /proc");
    AllRefused();
  }
  int seen = 0;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (atoi(entry->d_name) <= 0) continue;
    ++seen;
    char path[300], line[4096];
    snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
    if (fd >= 0) close(fd);
    if (count <= 0) continue;
    line[count] = '\0';
    // What the victim calls itself, whole: others have the marker in some path.
    if (strcmp(line, Given("marker")) == 0) Escaped("sees process %s of the host", entry->d_name);
  }
  errno = 0;
  Refused("read /proc: %d processes, none of the host", seen);
  AllRefused();
}
