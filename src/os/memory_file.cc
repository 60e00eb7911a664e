#include "os/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"

namespace bailey::os {

SysResult<base::UniqueFd> MakeMemoryFile(const char* name) {
  base::UniqueFd made(::memfd_create(name, MFD_CLOEXEC));
  if (!made.IsOpen()) return LastErrno();
  return made;
}

SysResult<std::string> ReadMemoryFile(int fd, std::size_t limit) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return LastErrno();
  return ReadAll(fd, limit);
}

}  // namespace bailey::os
