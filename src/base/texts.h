// Lists of texts that have no pointers in them, for the tables that the build makes. A pointer in a
// constant of a program that may be loaded anywhere is set at each of its starts, and the page in
// which it lies is copied for that, and again described in each process it forks.
//
//   constexpr std::string_view kList[] = {"read", "write"};  // stays out of the program
//   constexpr auto kNames = base::Pack<kList>();             // kNames[1] == "write"
//   for (const std::string_view name : base::Texts(kNames)) ...
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <vector>

namespace bailey::base {

template <std::size_t kBytes, std::size_t kCount>
struct PackedTexts {
  std::array<char, kBytes> bytes{};
  std::array<std::uint32_t, kCount + 1> starts{};  // text n is at [starts[n], starts[n + 1])

  static constexpr std::size_t size() { return kCount; }
  constexpr std::string_view operator[](std::size_t at) const {
    return {bytes.data() + starts[at], starts[at + 1] - starts[at]};
  }
};

template <const auto& kList>
consteval auto Pack() {
  constexpr std::size_t kBytes = [] {
    std::size_t bytes = 0;
    for (const std::string_view text : kList) bytes += text.size();
    return bytes;
  }();
  PackedTexts<kBytes, std::size(kList)> packed;
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < std::size(kList); ++i) {
    packed.starts[i] = end;
    for (const char c : std::string_view(kList[i])) packed.bytes[end++] = c;
  }
  packed.starts[std::size(kList)] = end;
  return packed;
}

// A view of such a list, of whatever size.
class Texts {
 public:
  class Iterator;

  template <std::size_t kBytes, std::size_t kCount>
  constexpr explicit(false) Texts(const PackedTexts<kBytes, kCount>& packed)
      : bytes_(packed.bytes.data()), starts_(packed.starts.data()), size_(kCount) {}

  constexpr std::size_t size() const { return size_; }
  constexpr std::string_view operator[](std::size_t at) const {
    return {bytes_ + starts_[at], starts_[at + 1] - starts_[at]};
  }
  constexpr Iterator begin() const;
  constexpr Iterator end() const;
  std::vector<std::string_view> ToVector() const;

 private:
  const char* bytes_;
  const std::uint32_t* starts_;
  std::size_t size_;
};

class Texts::Iterator {
 public:
  using value_type = std::string_view;
  using difference_type = std::ptrdiff_t;
  using reference = std::string_view;
  using pointer = void;
  using iterator_category = std::input_iterator_tag;  // for what wants references
  using iterator_concept = std::random_access_iterator_tag;

  constexpr Iterator() = default;
  constexpr Iterator(const char* bytes, const std::uint32_t* start)
      : bytes_(bytes), start_(start) {}

  constexpr std::string_view operator*() const {
    return {bytes_ + start_[0], start_[1] - start_[0]};
  }
  constexpr std::string_view operator[](std::ptrdiff_t by) const { return *(*this + by); }
  constexpr Iterator& operator+=(std::ptrdiff_t by) {
    start_ += by;
    return *this;
  }
  constexpr Iterator& operator-=(std::ptrdiff_t by) { return *this += -by; }
  constexpr Iterator& operator++() { return *this += 1; }
  constexpr Iterator& operator--() { return *this -= 1; }
  constexpr Iterator operator++(int) {
    const Iterator old = *this;
    ++*this;
    return old;
  }
  constexpr Iterator operator--(int) {
    const Iterator old = *this;
    --*this;
    return old;
  }
  friend constexpr Iterator operator+(Iterator at, std::ptrdiff_t by) { return at += by; }
  friend constexpr Iterator operator+(std::ptrdiff_t by, Iterator at) { return at += by; }
  friend constexpr Iterator operator-(Iterator at, std::ptrdiff_t by) { return at -= by; }
  friend constexpr std::ptrdiff_t operator-(Iterator a, Iterator b) { return a.start_ - b.start_; }
  constexpr bool operator==(const Iterator& other) const { return start_ == other.start_; }
  constexpr auto operator<=>(const Iterator& other) const { return start_ <=> other.start_; }

 private:
  const char* bytes_ = nullptr;
  const std::uint32_t* start_ = nullptr;
};

constexpr Texts::Iterator Texts::begin() const { return {bytes_, starts_}; }
constexpr Texts::Iterator Texts::end() const { return {bytes_, starts_ + size_}; }
inline std::vector<std::string_view> Texts::ToVector() const { return {begin(), end()}; }

}  // namespace bailey::base
