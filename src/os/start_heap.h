// Memory for a process that makes many small values at once and ends soon, as every launch does.
//
// An executable that has start_heap.cc among its sources gets its operator new and delete: blocks
// of up to 256 bytes come from a fixed room, by size, without headers and without joining what is
// given back. glibc's malloc takes some 230 instructions for such a block and its end while its
// caches are still empty, which was a sixth of making a filter; this takes about 20.
#pragma once

namespace bailey::os {

// To be called by the only thread there is, before it allocates. From then on its small blocks come
// from the room, while there is some; those of other threads, and all before, come from malloc.
void BeginStartHeap();

// Makes all the memory ready at once, for who is about to use it: of a heap that grows by itself
// each new page is a fault, which costs three times what a page costs here.
void PopulateStartHeap();

}  // namespace bailey::os
