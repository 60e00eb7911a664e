// The virtual machine around the first process: what has to be mounted and loaded before anything
// else, the line to the host, drives, and switching off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "guest/protocol.h"

namespace bailey::guest {

inline constexpr std::size_t kPathRoom = 512;

// A path put together in memory of a fixed size, null-terminated.
class Path {
 public:
  Path& operator<<(std::string_view text);
  Path& operator<<(std::size_t number);
  // Null where it did not fit.
  const char* Text() const { return fits_ ? text_ : nullptr; }

 private:
  char text_[kPathRoom] = {};
  std::size_t size_ = 0;
  bool fits_ = true;
};

// Mounts what this process needs for itself, loads the modules that /modules names, in its order,
// and returns the line to the host; negative where there is none.
int Boot();
// The random generator starts anew from the seed, and the clock from the host's. 0, or an errno.
int Refresh(const Welcome& welcome);
std::string_view KernelRelease();
// What this process shares with its children until it writes there is its own from now on: all at
// once, not page by page when it is in a hurry. 0, or an errno.
int OwnMemory();
// Of a clock that starts with the kernel.
std::int64_t Milliseconds();
// Waits until the kernel has done what it does in its first seconds only. Where there is no copy of
// this machine yet, it has done so for all of them.
void Settle();
std::uint32_t LandlockVersion();
// Opens the drive of this name; negative: minus an errno. Its path goes to `path`.
int OpenDrive(std::string_view wanted, int flags, Path& path);
[[noreturn]] void SwitchOff();

// All of it; false where the line is cut.
bool WriteAll(int fd, std::span<const std::uint8_t> bytes);

}  // namespace bailey::guest
