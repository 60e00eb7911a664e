// The 16 words of seccomp_data by what they mean, not by where they lie: a load at offset 16 reads
// the low half of the first argument on a little-endian machine and the high half on a big-endian
// one.
//
//   Word word = LoadedWord(16, /*big_endian=*/false);    // kArg0Low == ArgLow(0)
//   std::uint32_t value = Get(data, word);
#pragma once

#include <cstdint>

#include "bpf/instruction.h"

namespace bailey::verify {

// In the order in which diagrams test them: what decides most comes first.
enum class Word : std::uint8_t {
  kArch,
  kNr,
  kArg0High,
  kArg0Low,
  kArg1High,
  kArg1Low,
  kArg2High,
  kArg2Low,
  kArg3High,
  kArg3Low,
  kArg4High,
  kArg4Low,
  kArg5High,
  kArg5Low,
  kIpHigh,
  kIpLow,
};
inline constexpr unsigned kWords = 16;

constexpr Word ArgHigh(unsigned slot) {
  return static_cast<Word>(static_cast<unsigned>(Word::kArg0High) + 2 * slot);
}
constexpr Word ArgLow(unsigned slot) {
  return static_cast<Word>(static_cast<unsigned>(Word::kArg0Low) + 2 * slot);
}

// `offset` is a multiple of 4 below 64.
Word LoadedWord(std::uint32_t offset, bool big_endian);

std::uint32_t Get(const bpf::SeccompData& data, Word word);
void Set(bpf::SeccompData& data, Word word, std::uint32_t value);

}  // namespace bailey::verify
