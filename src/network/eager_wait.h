// Waiting that looks again for some microseconds before it sleeps, and lets others have the
// processor in between. Being woken costs about as much as the other side of a connection near by
// takes to answer, so that a gateway that sleeps at once doubles the time of each. It looks again
// only while that finds something in time: where it did not, it sleeps at once for a number of
// waits that doubles each time. With one processor, or with more to do than there are processors,
// it so gives up by itself; one that is idle spends nothing.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "os/poller.h"

namespace bailey::network {

class EagerWait {
 public:
  // As Poller::Wait.
  os::SysResult<std::span<const os::Ready>> Wait(os::Poller& poller,
                                                 std::optional<std::chrono::milliseconds> timeout);

 private:
  using Clock = std::chrono::steady_clock;
  unsigned rest_ = 16;    // short waits until it looks again
  unsigned penalty_ = 1;  // what that becomes when it has found nothing
};

}  // namespace bailey::network
