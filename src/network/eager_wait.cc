#include "network/eager_wait.h"

#include <algorithm>

namespace bailey::network {
namespace {

constexpr std::chrono::microseconds kLook{20};
// A sleep that looking might have spared, with the waking.
constexpr std::chrono::microseconds kShort{40};
constexpr unsigned kMostPenalty = 4096;

}  // namespace

os::SysResult<std::span<const os::Ready>> EagerWait::Wait(
    os::Poller& poller, std::optional<std::chrono::milliseconds> timeout) {
  if (timeout == std::chrono::milliseconds(0)) return poller.Wait(timeout);
  const auto begin = Clock::now();
  if (rest_ == 0) {
    do {
      auto ready = poller.Wait(std::chrono::milliseconds(0));
      if (!ready || !ready->empty()) {
        penalty_ = 1;
        return ready;
      }
    } while (Clock::now() - begin < kLook);
    rest_ = penalty_;
    penalty_ = std::min(2 * penalty_, kMostPenalty);
    return poller.Wait(timeout);
  }
  auto ready = poller.Wait(timeout);
  if (Clock::now() - begin < kShort) --rest_;
  return ready;
}

}  // namespace bailey::network
