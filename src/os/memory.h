// Memory that a process shares with the children it forks.
#pragma once

#include <cstddef>
#include <utility>

#include "os/errno.h"

namespace bailey::os {

// Zeroed, page-aligned, and unmapped here when it goes away; a child's copy of the mapping goes
// with its execve(2) or exit.
class SharedMemory {
 public:
  SharedMemory() = default;
  static SysResult<SharedMemory> Make(std::size_t size);
  SharedMemory(SharedMemory&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(other.size_) {}
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMemory();

  void* Address() const { return address_; }

 private:
  SharedMemory(void* address, std::size_t size) : address_(address), size_(size) {}
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace bailey::os
