// The audit trail of a supervisor: each call that a guest was denied becomes an event.
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace audit {

struct Event {
  std::chrono::system_clock::time_point when;
  int pid = 0;
  std::string call;
  std::string answer;
};

class Trail {
 public:
  explicit Trail(std::size_t capacity) : capacity_(capacity) { ignored_.reserve(4); }

  // Called for each denied call of the guest.
  void Record(Event event);
  void Ignore(std::string call);
  std::vector<Event> Last(std::size_t count) const;
  std::uint64_t Count() const;

 private:
  mutable std::mutex mutex_;
  std::deque<Event> events_;
  std::vector<std::string> ignored_;
  std::size_t capacity_;  // the oldest make room for the newest; count_ counts all
  std::uint64_t count_ = 0;
};

void Trail::Record(Event event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++count_;
  for (const std::string& call : ignored_) {
    if (call == event.call) return;
  }
  if (events_.size() >= capacity_) events_.pop_front();
  events_.push_back(std::move(event));
}

void Trail::Ignore(std::string call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // A handful: they are named in the configuration.
  ignored_.push_back(std::move(call));
}

std::vector<Event> Trail::Last(std::size_t count) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Event> last;
  last.reserve(capacity_);
  const std::size_t first = events_.size() > count ? events_.size() - count : 0;
  for (std::size_t i = first; i < events_.size(); ++i) last.push_back(events_[i]);
  return last;
}

std::uint64_t Trail::Count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return count_;
}

}  // namespace audit
