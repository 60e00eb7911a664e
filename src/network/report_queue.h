// What the supervisor is to be told and has not been yet.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "network/decision.h"
#include "network/report.h"

namespace bailey::network {

class ReportQueue {
 public:
  using Clock = std::chrono::steady_clock;
  // Reports wait a little for others: each waking of the supervisor takes time of a connection.
  static constexpr std::chrono::milliseconds kWait{20};

  // The socket stays the caller's.
  explicit ReportQueue(int supervisor) : supervisor_(supervisor) {}

  // What the supervisor does not keep up with is counted, not kept.
  void Add(const Decision& decision);
  // One, or more, that nobody knows.
  void AddLost() { ++lost_; }
  bool IsEmpty() const { return reports_.empty(); }
  bool IsDue(Clock::time_point now) const;
  // As many as it takes now.
  void Flush();

 private:
  int supervisor_;
  std::deque<Report> reports_;
  Clock::time_point first_;  // when the oldest of them came
  std::uint64_t lost_ = 0;
};

}  // namespace bailey::network
