// Leaves a set-user-ID file in the workspace, for somebody outside to run.
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

static void Look(const char* call) {
  int error = errno;
  struct stat status;
  if (stat("tool", &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    unlink("tool");
    Escaped("%s left mode %o", call, status.st_mode & 07777);
  }
  errno = error;
  Refused("%s", call);
}

void Attack(void) {
  unlink("tool");
  errno = 0;
  int fd = open("tool", O_WRONLY | O_CREAT | O_CLOEXEC, 04755);
  Look("open with mode 04755");
  if (fd < 0) fd = open("tool", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  errno = 0;
  (void)!chmod("tool", 04755);
  Look("chmod 04755");
  errno = 0;
  (void)!fchmod(fd, 02755);
  Look("fchmod 02755");
  errno = 0;
  syscall(SYS_fchmodat, AT_FDCWD, "tool", 06755);
  Look("fchmodat 06755");
  errno = 0;
  syscall(452 /* fchmodat2 */, AT_FDCWD, "tool", 04755, 0);
  Look("fchmodat2 04755");
  unlink("tool");
  struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 04755};
  errno = 0;
  syscall(SYS_openat2, AT_FDCWD, "tool", &how, sizeof(how));
  Look("openat2 with mode 04755");
  unlink("tool");
  errno = 0;
  (void)!mknod("tool", S_IFREG | 04755, 0);
  Look("mknod with mode 04755");
  unlink("tool");
  AllRefused();
}
