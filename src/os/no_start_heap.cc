#include "os/start_heap.h"

namespace bailey::os {

// Of an executable that has no such heap: of two, the linker takes the one that is not weak.
[[gnu::weak]] void RenewStartHeap(std::size_t) {}

}  // namespace bailey::os
