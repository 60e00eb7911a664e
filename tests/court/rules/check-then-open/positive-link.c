#include <fcntl.h>
#include <sys/stat.h>

int Make(const char* target) {
  struct stat status;
  if (lstat(target, &status) == 0 && S_ISLNK(status.st_mode)) return -1;
  return open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* found */
}
