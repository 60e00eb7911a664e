#include "network/report_queue.h"

#include <cerrno>
#include <utility>

#include "os/channel.h"

namespace bailey::network {
namespace {

constexpr std::size_t kMost = 4096, kAtOnce = 64;

}  // namespace

void ReportQueue::Add(const Decision& decision) {
  if (reports_.empty()) first_ = Clock::now();
  if (reports_.size() < kMost) {
    reports_.push_back(Write(decision));
  } else {
    ++lost_;
  }
}

bool ReportQueue::IsDue(Clock::time_point now) const {
  return reports_.size() >= kAtOnce || (!reports_.empty() && now - first_ >= kWait);
}

void ReportQueue::Flush() {
  while (!reports_.empty()) {
    const Report& report = reports_.front();
    const auto sent = os::SendMessage(
        supervisor_, {reinterpret_cast<const std::uint8_t*>(&report), sizeof(report)});
    if (!sent && (sent.error().value == EAGAIN || sent.error().value == ENOBUFS)) return;
    reports_.pop_front();
  }
  if (const std::uint64_t lost = std::exchange(lost_, 0); lost > 0) {
    Decision decision;
    decision.kind = Decision::Kind::kLost;
    decision.count = lost;
    Add(decision);
  }
}

}  // namespace bailey::network
