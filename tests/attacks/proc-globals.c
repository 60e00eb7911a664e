// Walks /proc for files that are not about processes and can be opened for writing.
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

static int tried;

static int Visit(const char* path, const struct stat* status, int kind, struct FTW* place) {
  const char* name = path + strlen("/proc/");
  if (place->level == 1 &&
      (atoi(name) > 0 || strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0)) {
    return FTW_SKIP_SUBTREE;
  }
  if (kind != FTW_F || !S_ISREG(status->st_mode)) return FTW_CONTINUE;
  // Opening these for writing asks for a notification of one's own; it changes nothing.
  if (strncmp(name, "pressure/", strlen("pressure/")) == 0) return FTW_CONTINUE;
  ++tried;
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd >= 0) Escaped("opened %s for writing", path);
  return FTW_CONTINUE;
}

void Attack(void) {
  if (IsControl()) TryOpenForWriting("/proc/sys/kernel/core_pattern");
  if (nftw("/proc", Visit, 32, FTW_PHYS | FTW_ACTIONRETVAL) < 0) Refused("walk /proc");
  errno = 0;
  Refused("open for writing: %d files of /proc, all refused", tried);
  AllRefused();
}
