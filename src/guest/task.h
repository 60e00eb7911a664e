// What can be seen of a task that waits for an answer: its memory, and who it is. Another thread
// may change all of it meanwhile, so that nothing is decided by it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guest/protocol.h"

namespace bailey::guest {

struct Text {
  std::uint8_t slot = kNoSlot;
  bool is_there = false;  // a file of this name (guest/naming.h)
  std::size_t size = 0;
  char bytes[Called::kMostText];
  std::string_view View() const { return {bytes, size}; }
};

// Up to the first null byte, or as far as it is there and fits.
bool ReadText(pid_t task, std::uint64_t address, Text& text);
bool ReadBytes(pid_t task, std::uint64_t address, std::size_t size, Text& text);
std::uint32_t ProcessOf(std::uint32_t thread);
void ReadExecutable(std::uint32_t thread, Text& text);

}  // namespace bailey::guest
