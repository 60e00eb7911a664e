// Makes new files in directories of the system.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  // A directory that is not there inside is refused like one that may not be written.
  const char* const directories[] = {Given("outside"), "/etc", "/usr/bin", "/usr/lib", "/var/lib"};
  for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); ++i) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/bailey-attack", directories[i]);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
      unlink(path);
      Escaped("created %s", path);
    }
    Refused("create %s", path);
  }
  AllRefused();
}
