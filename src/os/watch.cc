#include "os/watch.h"

#include <sys/epoll.h>

#include <algorithm>

namespace bailey::os {
namespace {

SysStatus AddTo(int set, int descriptor, std::uint64_t token, std::uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  return Check(::epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event));
}

}  // namespace

int MillisecondsUntil(std::optional<std::chrono::steady_clock::time_point> deadline) {
  if (!deadline) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<long>(left.count(), 0, 1 << 30));
}

SysResult<Watch> Watch::Make() {
  base::UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set.IsOpen()) return LastErrno();
  return Watch(std::move(set));
}

SysStatus Watch::Add(int descriptor, std::uint64_t token) const {
  return AddTo(set_.Get(), descriptor, token, EPOLLIN);
}

SysStatus Watch::AddShared(int descriptor, std::uint64_t token) const {
  return AddTo(set_.Get(), descriptor, token, EPOLLIN | EPOLLEXCLUSIVE);
}

SysStatus Watch::Remove(int descriptor) const {
  return Check(::epoll_ctl(set_.Get(), EPOLL_CTL_DEL, descriptor, nullptr));
}

SysResult<std::optional<std::uint64_t>> Watch::Wait(
    std::optional<std::chrono::steady_clock::time_point> deadline) const {
  for (;;) {
    epoll_event event = {};
    const int ready = ::epoll_wait(set_.Get(), &event, 1, MillisecondsUntil(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return LastErrno();
    if (ready == 0) return std::nullopt;
    const std::uint64_t token = event.data.u64;
    return token;
  }
}

}  // namespace bailey::os
