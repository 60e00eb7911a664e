// A queue that never holds more than `capacity`: what does not fit pushes out the oldest, and is
// counted. It takes memory for what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace bailey::audit {

template <class T>
class Ring {
 public:
  // A capacity of 0 is one of 1.
  explicit Ring(std::size_t capacity) : capacity_(capacity == 0 ? 1 : capacity) {}

  void Push(T element) {
    if (elements_.size() == capacity_) {
      elements_.pop_front();
      ++dropped_;
    }
    elements_.push_back(std::move(element));
  }
  // The oldest, taken out; nullopt when there is none.
  std::optional<T> Pop() {
    if (elements_.empty()) return std::nullopt;
    T element = std::move(elements_.front());
    elements_.pop_front();
    return element;
  }

  std::size_t Size() const { return elements_.size(); }
  // How many were pushed out.
  std::uint64_t Dropped() const { return dropped_; }

 private:
  std::size_t capacity_;
  std::deque<T> elements_;
  std::uint64_t dropped_ = 0;
};

}  // namespace bailey::audit
