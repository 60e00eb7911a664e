#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int Open(const char* path, uid_t uid) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0 || status.st_uid != uid) return -1;
  return setresuid(uid, uid, uid) == 0 ? fd : -1;
}

int HasKvm(void) { return access("/dev/kvm", R_OK) == 0 ? open("/dev/kvm", O_RDWR) : -1; }

int Other(const char* a, const char* b) {
  if (access(a, R_OK) != 0) return -1;
  return open(b, O_RDONLY);
}
