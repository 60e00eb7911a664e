#include <deque>
#include <vector>

class Supervisor {
 public:
  void OnDenied(const Call& call) {
    if (denials_.size() >= kCapacity) {
      ++dropped_;
      return;
    }
    denials_.push_back(Describe(call));
  }
  void OnEvent(const Event& event) {
    events_.push_back(event);
    if (events_.size() > 100) Flush();
  }
  void Flush() {
    Write(events_);
    events_.clear();
  }

 private:
  std::vector<std::string> denials_;
  std::vector<Event> events_;
};
