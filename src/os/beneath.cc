#include "os/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/file.h"

namespace bailey::os {

SysResult<base::UniqueFd> OpenBeneath(int directory, const char* path, int flags, unsigned mode) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof(how));
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    // A rename elsewhere on the host makes a lookup of ".." uncertain; the kernel says try again.
    if (errno != EAGAIN) return LastErrno();
  }
}

SysResult<std::string> PathOf(int fd) {
  char path[32];
  (void)::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return ReadLink(AT_FDCWD, path);
}

SysStatus RenameIn(int directory, const char* from, const char* to) {
  return Check(::renameat(directory, from, directory, to));
}

}  // namespace bailey::os
