#include "os/start_heap.h"

#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace bailey::os {
namespace {

// A launch of the largest preset fills the room nearly; its few larger blocks are malloc's.
constexpr std::size_t kRoom = 128 << 10;
constexpr std::size_t kLargeBlocks = 128 << 10;

constexpr std::size_t kStep = 16;  // also the alignment that operator new owes
constexpr std::size_t kSizes = 16;
constexpr std::size_t kLargest = kSizes * kStep;
constexpr std::size_t kChunk = 1024;  // of blocks of one size
constexpr std::size_t kPage = 4096;

struct FreeBlock {
  FreeBlock* next;
};

struct BlocksOfSize {
  FreeBlock* free;
  char* next;  // never used, up to the end of its chunk
  std::size_t left;
};

// Zero-initialized: it is there before any constructor runs.
alignas(kPage) constinit std::array<char, kRoom> room = {};
constinit std::array<std::uint8_t, kRoom / kChunk> size_of_chunk = {};
constinit std::array<BlocksOfSize, kSizes> sizes = {};
constinit std::size_t used_chunks = 0;
// Nothing here is locked. A block that another thread gives back is lost, which is bounded.
constinit thread_local bool is_starter = false;

[[gnu::noinline]] void* TakeFromChunk(BlocksOfSize& blocks, std::size_t index) {
  const std::size_t size = (index + 1) * kStep;
  if (blocks.left < size) {
    if (used_chunks == size_of_chunk.size()) return nullptr;
    size_of_chunk[used_chunks] = static_cast<std::uint8_t>(index);
    blocks.next = room.data() + used_chunks++ * kChunk;
    blocks.left = kChunk;
  }
  char* const block = blocks.next;
  blocks.next += size;
  blocks.left -= size;
  return block;
}

void* Take(std::size_t bytes) {
  const std::size_t index = bytes == 0 ? 0 : (bytes - 1) / kStep;
  BlocksOfSize& blocks = sizes[index];
  FreeBlock* const block = blocks.free;
  if (block == nullptr) return TakeFromChunk(blocks, index);
  blocks.free = block->next;
  return block;
}

// A kernel that knows no MADV_POPULATE_WRITE (before 5.14) is asked in vain, and nothing is lost.
void Populate(char* first, std::size_t bytes) {
  (void)::madvise(first, bytes, MADV_POPULATE_WRITE);
}

void PrepareLargeBlocks() {
  constexpr int kMost = 8 << 20;
  // Otherwise so large a block is mapped for itself, and a freed one given back.
  if (mallopt(M_MMAP_THRESHOLD, kMost) == 0 || mallopt(M_TRIM_THRESHOLD, kMost) == 0) return;
  char* const block = static_cast<char*>(std::malloc(kLargeBlocks));
  if (block == nullptr) return;
  const std::size_t to_page = kPage - reinterpret_cast<std::uintptr_t>(block) % kPage;
  Populate(block + to_page, kLargeBlocks - kPage);
  std::free(block);
}

}  // namespace

void BeginStartHeap() { is_starter = true; }

void PopulateStartHeap() {
  Populate(room.data(), room.size());
  PrepareLargeBlocks();
}

}  // namespace bailey::os

// Sanitizers have their own.
#ifndef BAILEY_SANITIZED
void* operator new(std::size_t bytes) {
  using namespace bailey::os;
  if (is_starter && bytes <= kLargest) {
    if (void* const block = Take(bytes)) return block;
  }
  if (void* const block = std::malloc(bytes == 0 ? 1 : bytes)) return block;
  throw std::bad_alloc();
}

void operator delete(void* address) noexcept {
  using namespace bailey::os;
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(room.data());
  if (offset >= kRoom) return std::free(address);
  if (!is_starter) return;
  BlocksOfSize& blocks = sizes[size_of_chunk[offset / kChunk]];
  blocks.free = new (address) FreeBlock{blocks.free};
}

void operator delete(void* address, std::size_t) noexcept { operator delete(address); }
#endif
