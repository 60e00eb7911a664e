// Which arguments of a system call are paths, and what the call wants of what they name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace bailey::abi {

enum class PathUse : std::uint8_t {
  kLook,     // whether it is there, and what it is
  kRead,     // its contents, or those of a directory
  kWrite,    // to change it, make it or remove it
  kExecute,  // to become it
  kOpen,     // as the flags of open(2) say, in the argument `flags`
};

struct PathArgument {
  std::string_view call;
  std::int8_t directory;  // the slot of the descriptor that a relative path starts at; -1: none
  std::uint8_t path;      // its slot
  PathUse use;
  std::uint8_t flags = 0;  // for kOpen
};

// In the order of the call; none for a call without paths that programs can reach files by. Calls
// on the names of attributes, keys, file systems and queues are not among them.
std::span<const PathArgument> PathsOf(std::string_view call);

}  // namespace bailey::abi
