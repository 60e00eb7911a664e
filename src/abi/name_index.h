// Finds a name in a sorted list in constant time, with a hash table laid out at compile time.
//
//   constexpr auto kIndex = MakeNameIndex(kNames);      // kNames: std::string_view[N]
//   std::optional<std::size_t> at = kIndex.Find(kNames, "openat");
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bailey::abi {

// FNV-1a, 32 bits.
constexpr std::uint32_t HashName(std::string_view name) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  return hash ^ hash >> 16;
}

template <std::size_t N>
class NameIndex {
 public:
  static_assert(N < 0xffff);
  // At most a quarter full, so that a probe nearly always ends at its first slot.
  static constexpr std::size_t kSlots = std::bit_ceil(4 * N);

  constexpr explicit NameIndex(const std::string_view (&names)[N]) {
    slots_.fill(kEmpty);
    for (std::size_t i = 0; i < N; ++i) {
      std::size_t slot = HashName(names[i]) % kSlots;
      while (slots_[slot] != kEmpty) slot = (slot + 1) % kSlots;
      slots_[slot] = static_cast<std::uint16_t>(i);
    }
  }

  constexpr std::optional<std::size_t> Find(const std::string_view (&names)[N],
                                            std::string_view name) const {
    std::size_t slot = HashName(name) % kSlots;
    for (; slots_[slot] != kEmpty; slot = (slot + 1) % kSlots) {
      if (names[slots_[slot]] == name) return slots_[slot];
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint16_t kEmpty = 0xffff;
  std::array<std::uint16_t, kSlots> slots_;
};

template <std::size_t N>
consteval NameIndex<N> MakeNameIndex(const std::string_view (&names)[N]) {
  return NameIndex<N>(names);
}

}  // namespace bailey::abi
