// How often something may be done: `burst` times at once, and `rate` times a second after that.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace bailey::audit {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(std::uint64_t rate, std::uint64_t burst, Time now)
      : rate_(static_cast<double>(rate)),
        burst_(static_cast<double>(burst)),
        tokens_(burst_),
        last_(now) {}

  // Whether it may be done now; then it counts as done. Time that goes backwards adds nothing.
  bool Take(Time now) {
    if (now > last_) {
      const std::chrono::duration<double> passed = now - last_;
      tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
      last_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double rate_, burst_, tokens_;
  Time last_;
};

}  // namespace bailey::audit
