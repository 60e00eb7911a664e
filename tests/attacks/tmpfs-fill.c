// Fills every tmpfs with bytes and with inodes: both are the host's memory.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "attack.h"

enum { kMegabytes = 300, kFiles = 300000 };

void Attack(void) {
  const char* const directories[] = {"/tmp", "/dev/shm", "/run", "/var/tmp", "/dev", "/"};
  static char block[1 << 20];
  for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); ++i) {
    char path[64];
    snprintf(path, sizeof(path), "%s/fill", directories[i]);
    struct statfs kind;
    if (statfs(directories[i], &kind) < 0 || kind.f_type != 0x01021994 /* TMPFS_MAGIC */) continue;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      Refused("create %s", path);
      continue;
    }
    int written = 0;
    while (written < kMegabytes && write(fd, block, sizeof(block)) == (ssize_t)sizeof(block)) {
      ++written;
    }
    int error = errno;
    close(fd);
    unlink(path);
    if (written == kMegabytes) Escaped("wrote %d MiB to %s", written, directories[i]);
    errno = error;
    Refused("%s: %d MiB", directories[i], written);
    int files = 0;
    for (; files < kFiles; ++files) {
      snprintf(path, sizeof(path), "%s/%d", directories[i], files);
      fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (fd < 0) break;
      close(fd);
    }
    error = errno;
    for (int j = 0; j < files; ++j) {
      snprintf(path, sizeof(path), "%s/%d", directories[i], j);
      unlink(path);
    }
    if (files == kFiles) Escaped("made %d files in %s", files, directories[i]);
    errno = error;
    Refused("%s: %d files", directories[i], files);
  }
  errno = 0;
  Refused("no tmpfs without a limit");
  AllRefused();
}
