// Waiting for many descriptors (epoll(7)).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

struct Ready {
  std::uint64_t token = 0;
  bool read = false, write = false;  // both where the descriptor has an error or is closed
  bool ended = false;                // what can be read now is the last
};

class Poller {
 public:
  enum class Wants : std::uint8_t { kNothing, kRead, kWrite, kBoth };

  static SysResult<Poller> Make();
  // As long as it is so, it is reported.
  SysStatus Add(int fd, std::uint64_t token, Wants wants);
  SysStatus Change(int fd, std::uint64_t token, Wants wants);
  // Reported once each time that it becomes so. When one is added or changed that is so already, it
  // is reported too.
  SysStatus AddChanges(int fd, std::uint64_t token, Wants wants = Wants::kBoth);
  SysStatus ChangeChanges(int fd, std::uint64_t token, Wants wants);
  SysStatus Remove(int fd);
  // Valid until the next call. Empty when the time was over first.
  SysResult<std::span<const Ready>> Wait(std::optional<std::chrono::milliseconds> timeout);

 private:
  explicit Poller(base::UniqueFd fd) : fd_(std::move(fd)) {}
  static constexpr std::size_t kMost = 64;  // it is moved, and a start pays for its pages
  base::UniqueFd fd_;
  std::array<Ready, kMost> ready_;
};

// Whoever else is ready for this processor runs first.
void GiveWay();

}  // namespace bailey::os
