// Memory for a process that makes many small values at once and ends soon, as every launch does.
//
// An executable that has start_heap.cc among its sources gets its operator new and delete: blocks
// of up to 128 KiB come from a fixed room, by size, without headers and without joining what is
// given back. glibc's malloc takes some 230 instructions for such a block and its end while its
// caches are still empty, which was a sixth of making a filter; this takes about 20.
#pragma once

#include <cstddef>

namespace bailey::os {

// To be called by the only thread there is, before it allocates. From then on its blocks come
// from the room, while there is some; those of other threads, and all before, come from malloc.
void BeginStartHeap();

// Makes the memory ready at once, for who is about to use it: of a heap that grows by itself
// each new page is a fault, which costs three times what a page costs here.
void PopulateStartHeap();

// To be called after a fork by who goes on allocating: from then on blocks come from pages that no
// child shares. The first write to one that is shared copies it, which costs as much as three fresh
// ones. Of what follows, `ready` bytes are made ready at once. In an executable without this heap
// it does nothing.
void RenewStartHeap(std::size_t ready);

}  // namespace bailey::os
