#include "os/memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

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

void PrepareHeap(std::size_t bytes) {
  constexpr std::size_t kPage = 4096;
  constexpr int kMost = 8 << 20;
  // Otherwise so large a block is mapped for itself, and a freed one given back.
  if (bytes > kMost || mallopt(M_MMAP_THRESHOLD, kMost) == 0 ||
      mallopt(M_TRIM_THRESHOLD, kMost) == 0)
    return;
  void* const block = std::malloc(bytes);
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + kPage - 1) & ~(kPage - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + bytes) & ~(kPage - 1);
  if (block != nullptr && end > begin)
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);  // see above
  std::free(block);
}

}  // namespace bailey::os
