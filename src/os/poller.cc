#include "os/poller.h"

#include <sched.h>
#include <sys/epoll.h>

#include <algorithm>

namespace bailey::os {
namespace {

std::uint32_t Events(Poller::Wants wants) {
  switch (wants) {
    case Poller::Wants::kNothing:
      return 0;
    case Poller::Wants::kRead:
      return EPOLLIN;
    case Poller::Wants::kWrite:
      return EPOLLOUT;
    case Poller::Wants::kBoth:
      return EPOLLIN | EPOLLOUT;
  }
  return 0;
}

SysStatus Control(int poller, int what, int fd, std::uint64_t token, std::uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  return Check(::epoll_ctl(poller, what, fd, &event));
}

}  // namespace

SysResult<Poller> Poller::Make() {
  base::UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd.IsOpen()) return LastErrno();
  return Poller(std::move(fd));
}

SysStatus Poller::Add(int fd, std::uint64_t token, Wants wants) {
  return Control(fd_.Get(), EPOLL_CTL_ADD, fd, token, Events(wants));
}

SysStatus Poller::Change(int fd, std::uint64_t token, Wants wants) {
  return Control(fd_.Get(), EPOLL_CTL_MOD, fd, token, Events(wants));
}

SysStatus Poller::AddChanges(int fd, std::uint64_t token, Wants wants) {
  return Control(fd_.Get(), EPOLL_CTL_ADD, fd, token, Events(wants) | EPOLLRDHUP | EPOLLET);
}

SysStatus Poller::ChangeChanges(int fd, std::uint64_t token, Wants wants) {
  return Control(fd_.Get(), EPOLL_CTL_MOD, fd, token, Events(wants) | EPOLLRDHUP | EPOLLET);
}

SysStatus Poller::Remove(int fd) { return Control(fd_.Get(), EPOLL_CTL_DEL, fd, 0, 0); }

SysResult<std::span<const Ready>> Poller::Wait(std::optional<std::chrono::milliseconds> timeout) {
  std::array<epoll_event, kMost> events;
  constexpr std::int64_t kLongest = 1'000'000'000;
  const int wait =
      timeout ? static_cast<int>(std::clamp<std::int64_t>(timeout->count(), 0, kLongest)) : -1;
  const int count = ::epoll_wait(fd_.Get(), events.data(), kMost, wait);
  if (count < 0 && errno != EINTR) return LastErrno();
  const auto found = static_cast<std::size_t>(std::max(count, 0));
  for (std::size_t i = 0; i < found; ++i) {
    const std::uint32_t bits = events[i].events;
    const bool broken = bits & (EPOLLERR | EPOLLHUP);
    ready_[i] = {events[i].data.u64, broken || (bits & (EPOLLIN | EPOLLRDHUP)),
                 broken || (bits & EPOLLOUT), broken || (bits & EPOLLRDHUP)};
  }
  return std::span<const Ready>(ready_).first(found);
}

void GiveWay() { (void)::sched_yield(); }  // it has no way to fail on Linux

}  // namespace bailey::os
