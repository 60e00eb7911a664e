#include <deque>

class Trail {
 public:
  void Record(Event event) { events_.push_back(event); } /* found */
  bool Has(std::size_t count) const { return events_.size() > count; }

 private:
  std::deque<Event> events_;
};
