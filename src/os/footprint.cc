#include "os/footprint.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>

// Where the linker has put the beginning of the executable, and the end of its code.
extern "C" const char __executable_start, etext;

namespace bailey::os {

void ShrinkToWait() {
  (void)::malloc_trim(0);  // 0: there was nothing to give back
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(&__executable_start) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(&etext) / page * page;
  // Pages of a file that nobody has written to: they are read again when they are needed. Where the
  // kernel refuses, they stay.
  if (end > begin) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

SysStatus ForbidLargePages() {
  if (::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) return LastErrno();
  return {};
}

}  // namespace bailey::os
