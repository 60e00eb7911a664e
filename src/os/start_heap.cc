#include "os/start_heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace bailey::os {
namespace {

constexpr std::size_t kStep = 16;  // also the alignment that operator new owes
constexpr std::size_t kChunk = 1024;
constexpr std::size_t kPage = 4096;
// By steps to 256 bytes, of which a chunk holds many, then by powers of two to 128 KiB.
constexpr std::size_t kSmallSizes = 16;
constexpr std::size_t kLargestSmall = kSmallSizes * kStep;
constexpr std::size_t kSizes = kSmallSizes + 9;
constexpr std::size_t kLargest = kLargestSmall << (kSizes - kSmallSizes);
// A launch of the largest preset takes half of it.
constexpr std::size_t kRoom = 1024 << 10;
// What reading the largest preset takes.
constexpr std::size_t kBeginning = 256 << 10;

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
// Blocks below it are shared with a child, and not used again.
constinit std::size_t renewed = 0;
// Nothing here is locked. A block that another thread gives back is lost, which is bounded.
constinit thread_local bool is_starter = false;

std::size_t IndexOf(std::size_t bytes) {
  if (bytes <= kLargestSmall) return bytes == 0 ? 0 : (bytes - 1) / kStep;
  return kSmallSizes + static_cast<std::size_t>(std::bit_width((bytes - 1) / kLargestSmall)) - 1;
}

std::size_t SizeAt(std::size_t index) {
  return index < kSmallSizes ? (index + 1) * kStep : kLargestSmall << (index - kSmallSizes + 1);
}

[[gnu::noinline]] void* TakeFromChunk(BlocksOfSize& blocks, std::size_t index) {
  const std::size_t size = SizeAt(index);
  if (blocks.left < size) {
    const std::size_t chunks = std::max(size / kChunk, std::size_t{1});
    if (chunks > size_of_chunk.size() - used_chunks) return nullptr;
    size_of_chunk[used_chunks] = static_cast<std::uint8_t>(index);
    blocks.next = room.data() + used_chunks * kChunk;
    blocks.left = chunks * kChunk;
    used_chunks += chunks;
  }
  char* const block = blocks.next;
  blocks.next += size;
  blocks.left -= size;
  return block;
}

void* Take(std::size_t bytes) {
  const std::size_t index = IndexOf(bytes);
  BlocksOfSize& blocks = sizes[index];
  FreeBlock* const block = blocks.free;
  if (block == nullptr) return TakeFromChunk(blocks, index);
  blocks.free = block->next;
  return block;
}

// A kernel that knows no MADV_POPULATE_WRITE (before 5.14) is asked in vain, and nothing is lost.
void Populate(std::size_t offset, std::size_t bytes) {
  (void)::madvise(room.data() + offset, std::min(bytes, kRoom - offset), MADV_POPULATE_WRITE);
}

}  // namespace

void BeginStartHeap() { is_starter = true; }

void PopulateStartHeap() { Populate(0, kBeginning); }

void RenewStartHeap(std::size_t ready) {
  if (!is_starter) return;
  renewed = (used_chunks * kChunk + kPage - 1) / kPage * kPage;
  used_chunks = renewed / kChunk;
  sizes = {};
  Populate(renewed, ready);
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
  if (!is_starter || offset < renewed) return;
  BlocksOfSize& blocks = sizes[size_of_chunk[offset / kChunk]];
  blocks.free = new (address) FreeBlock{blocks.free};
}

void operator delete(void* address, std::size_t) noexcept { operator delete(address); }
#endif
