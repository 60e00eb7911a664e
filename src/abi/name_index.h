// Finds a name in a sorted list in constant time, with a hash table laid out at compile time.
//
//   constexpr auto kIndex = MakeNameIndex(kNames);      // kNames: base::PackedTexts
//   std::optional<std::size_t> at = kIndex.Find(kNames, "openat");
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/texts.h"

namespace bailey::abi {

// Eight bytes as one number, the first byte lowest.
constexpr std::uint64_t WordAt(const char* bytes) {
  std::uint64_t word = 0;
  if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
    std::memcpy(&word, bytes, sizeof(word));  // one load; of the loop below g++ 12 makes eight
  } else {
    for (int i = 0; i < 8; ++i)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return word;
}

constexpr std::uint32_t HashName(std::string_view name) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t hash = name.size();
  std::size_t at = 0;
  for (; at + 8 <= name.size(); at += 8) hash = (hash ^ WordAt(name.data() + at)) * kFactor;
  std::uint64_t rest = 0;
  if (name.size() >= 8) {
    rest = WordAt(name.data() + name.size() - 8);
  } else {
    for (; at < name.size(); ++at) rest = rest << 8 | static_cast<unsigned char>(name[at]);
  }
  hash = (hash ^ hash >> 32 ^ rest) * kFactor;
  return static_cast<std::uint32_t>(hash >> 32);
}

template <std::size_t N>
class NameIndex {
 public:
  static_assert(N < 0xffff);
  // At most a quarter full, so that a probe nearly always ends at its first slot.
  static constexpr std::size_t kSlots = std::bit_ceil(4 * N);

  constexpr explicit NameIndex(const auto& names) {
    slots_.fill(kEmpty);
    for (std::size_t i = 0; i < N; ++i) {
      std::size_t slot = HashName(names[i]) % kSlots;
      while (slots_[slot] != kEmpty) slot = (slot + 1) % kSlots;
      slots_[slot] = static_cast<std::uint16_t>(i);
    }
  }

  // In the list that it was made of.
  constexpr std::optional<std::size_t> Find(const auto& names, std::string_view name) const {
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

template <std::size_t kBytes, std::size_t N>
consteval NameIndex<N> MakeNameIndex(const base::PackedTexts<kBytes, N>& names) {
  return NameIndex<N>(names);
}

}  // namespace bailey::abi
