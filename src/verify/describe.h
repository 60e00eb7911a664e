// Diagrams written back as a person would: ranges of numbers, masked comparisons, first match
// decides.
//
//   for (const Span& arch : *Split(diagram, meaning, Word::kArch))
//     for (const Span& numbers : *Split(diagram, arch.value, Word::kNr))
//       for (const Case& one : *ListCases(diagram, numbers.value)) ...
//
// What is listed is exact: evaluated in order, the cases give the diagram's terminal for every
// call. A function that would need more than `most` entries is not listed (nullopt).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "verify/diagram.h"
#include "verify/predicate.h"

namespace bailey::verify {

// first <= (word & mask) <= last
struct WordTest {
  Word word = Word::kNr;
  std::uint32_t mask = 0xffffffff;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const WordTest&) const = default;
};
bool Holds(const WordTest& test, const bpf::SeccompData& data);

// All tests hold: then the diagram's value is `terminal`.
struct Case {
  std::vector<WordTest> tests;
  Ref terminal = Diagram::kLost;
  bool operator==(const Case&) const = default;
};

// The longest ranges of `word` for which the rest of the function is the same, in order, covering
// every value. Nothing above the word in the order may be open: the architecture first, then the
// number, then arguments.
std::optional<std::vector<Span>> Split(const Diagram& diagram, Ref ref, Word word,
                                       std::size_t most = 4096);

// A decision list: the first case whose tests hold gives the terminal, and the last has no tests.
// Only for diagrams in the order kWordByWord.
std::optional<std::vector<Case>> ListCases(Diagram& diagram, Ref ref, std::size_t most = 256);

}  // namespace bailey::verify
