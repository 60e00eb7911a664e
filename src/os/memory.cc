#include "os/memory.h"

#include <sys/mman.h>

namespace bailey::os {

SysResult<SharedMemory> SharedMemory::Make(std::size_t size) {
  void* const address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return LastErrno();
  return SharedMemory(address, size);
}

SharedMemory::~SharedMemory() {
  if (address_) (void)::munmap(address_, size_);
}

}  // namespace bailey::os
