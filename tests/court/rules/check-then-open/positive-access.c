#include <fcntl.h>
#include <unistd.h>

int OpenFor(const char* path, uid_t uid) {
  if (access(path, R_OK) != 0) return -1;
  int fd = open(path, O_RDONLY | O_CLOEXEC); /* found */
  if (fd >= 0 && setresuid(uid, uid, uid) != 0) return -1;
  return fd;
}
