#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

static bool is_link(const char* path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

int Make(const char* target) {
  if (is_link(target)) return -1;
  return open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* found */
}
