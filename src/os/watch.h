// Waiting for any number of descriptors at once (epoll(7)), also together with other processes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// What poll(2) and its kin take: rounded up, and -1 where there is no deadline.
int MillisecondsUntil(std::optional<std::chrono::steady_clock::time_point> deadline);

class Watch {
 public:
  static SysResult<Watch> Make();

  // From now on Wait returns `token` when it can be read, or is closed at the other end.
  SysStatus Add(int descriptor, std::uint64_t token) const;
  // Of several processes that wait for it, one is woken.
  SysStatus AddShared(int descriptor, std::uint64_t token) const;
  SysStatus Remove(int descriptor) const;
  // nullopt when the deadline came first.
  SysResult<std::optional<std::uint64_t>> Wait(
      std::optional<std::chrono::steady_clock::time_point> deadline) const;

 private:
  explicit Watch(base::UniqueFd set) : set_(std::move(set)) {}
  base::UniqueFd set_;
};

}  // namespace bailey::os
