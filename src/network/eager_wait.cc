#include "network/eager_wait.h"

#include <algorithm>

namespace bailey::network {
namespace {

constexpr std::chrono::microseconds kLook{200};
// A sleep that looking might have spared, with the waking.
constexpr std::chrono::microseconds kShort{300};
constexpr unsigned kMostPenalty = 4096;

}  // namespace

os::SysResult<std::span<const os::Ready>> EagerWait::Wait(
    os::Poller& poller, std::optional<std::chrono::milliseconds> timeout) {
  if (timeout == std::chrono::milliseconds(0)) return poller.Wait(timeout);
  const auto begin = Clock::now();
  while (rest_ == 0) {
    auto ready = poller.Wait(std::chrono::milliseconds(0));
    const bool in_time = Clock::now() - begin < kLook;
    if (ready && ready->empty() && in_time) {
      // Whom we wait for may wait for this processor.
      os::GiveWay();
      continue;
    }
    if (in_time) {
      penalty_ = 1;
      return ready;
    }
    // Nothing has come; or somebody else had more to do here than answer.
    rest_ = penalty_;
    penalty_ = std::min(2 * penalty_, kMostPenalty);
    if (!ready || !ready->empty()) return ready;
    return poller.Wait(timeout);
  }
  auto ready = poller.Wait(timeout);
  if (Clock::now() - begin < kShort) --rest_;
  return ready;
}

}  // namespace bailey::network
