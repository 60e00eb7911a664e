// Canonical decision diagrams over the words of seccomp_data.
//
// A diagram is a function of the 64 bytes a filter sees. Each inner node tests one digit (four
// bits) of one word and has sixteen children; terminals are truth values or outcomes. Digits are
// tested in one fixed order, no node has sixteen equal children, and no two nodes are equal; so two
// functions are equal exactly when their references are.
//
//   Diagram diagram;
//   Ref is_read = ...;                                     // predicate.h
//   Ref meaning = diagram.Ite(is_read, Diagram::Terminal(OutcomeOf(0x7fff0000)), denied);
//   if (meaning == other) ...                              // the same function
//
// Work is bounded: past its limits a Diagram answers kLost, every operation on kLost is kLost, and
// questions about it are undecided (query.h). A lost function is never mistaken for another.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "verify/outcome.h"
#include "verify/word.h"

namespace bailey::verify {

// A function in one Diagram. Only meaningful together with it.
using Ref = std::uint32_t;

// The order of the argument words' digits. Most filters look at one word at a time, and then word
// after word gives the smallest diagrams; relations between words (A compared with X) need their
// digits side by side. The architecture and the number always come first.
enum class Order : std::uint8_t { kWordByWord, kInterleaved };

struct Limits {
  std::uint32_t nodes = 250'000;    // of 64 bytes, and a third as much for the tables
  std::uint64_t steps = 1'500'000;  // of recursion, for one question: some 0.3 seconds
};

class Diagram {
 public:
  static constexpr unsigned kDigitBits = 4;
  static constexpr unsigned kFanOut = 1 << kDigitBits;
  static constexpr unsigned kDigits = 32 / kDigitBits;  // of a word; 0 is the least significant
  static constexpr unsigned kLevels = kWords * kDigits;
  using Children = std::array<Ref, kFanOut>;

  static constexpr Ref kFalse = 0x80000000;
  static constexpr Ref kTrue = 0x80000001;
  static constexpr Ref kLost = 0xffffffff;

  explicit Diagram(Order order = Order::kWordByWord, const Limits& limits = {});
  Diagram(const Diagram&) = delete;
  Diagram& operator=(const Diagram&) = delete;

  // --- terminals
  static constexpr bool IsTerminal(Ref ref) { return (ref & 0x80000000) != 0; }
  static constexpr bool IsOutcome(Ref ref) {
    return ref >= kOutcomes && ref < kOutcomes + (kRanks << 16);
  }
  static constexpr Ref Terminal(Outcome outcome) {
    return kOutcomes + (static_cast<Ref>(outcome.rank) << 16) + outcome.data;
  }
  static constexpr Outcome OutcomeAt(Ref terminal) {
    return {static_cast<std::uint8_t>((terminal - kOutcomes) >> 16),
            static_cast<std::uint16_t>(terminal)};
  }
  // Terminals for a caller's own use: `label` < 2^28.
  static constexpr Ref Label(std::uint32_t label) { return kLabels + label; }
  static constexpr std::uint32_t LabelAt(Ref terminal) { return terminal - kLabels; }

  // --- shape
  // The place of a digit in the order, and back. Terminals lie below everything, at kLevels.
  unsigned LevelOf(Word word, unsigned digit) const {
    return level_of_[static_cast<unsigned>(word)][digit];
  }
  Word WordAt(unsigned level) const { return digit_at_[level].first; }
  unsigned DigitAt(unsigned level) const { return digit_at_[level].second; }
  unsigned Level(Ref ref) const { return IsTerminal(ref) ? kLevels : levels_[ref]; }
  const Children& ChildrenOf(Ref node) const { return chunks_[node / kChunk][node % kChunk]; }
  Ref Follow(Ref ref, const bpf::SeccompData& data) const;  // the terminal for one call

  // --- building
  // `children` lie below `level`.
  Ref Make(unsigned level, const Children& children);
  // As Make, but children may lie anywhere.
  Ref Choose(unsigned level, const Children& children);
  // `condition` is a predicate; `then` and `otherwise` are of one kind.
  Ref Ite(Ref condition, Ref then, Ref otherwise);
  Ref And(Ref a, Ref b) { return a < b ? Ite(a, b, kFalse) : Ite(b, a, kFalse); }
  Ref Or(Ref a, Ref b) { return a < b ? Ite(a, kTrue, b) : Ite(b, kTrue, a); }
  Ref Not(Ref a) { return Ite(a, kFalse, kTrue); }
  Ref Xor(Ref a, Ref b) {
    return a < b ? Apply(Operation::kXor, a, b) : Apply(Operation::kXor, b, a);
  }
  // The outcome that stands when both filters run.
  Ref Stricter(Ref newer, Ref older) { return Apply(Operation::kStricter, newer, older); }
  // True where the two have different terminals. Where either is `Outside()`, they do not differ.
  Ref Differ(Ref a, Ref b) { return Apply(Operation::kDiffer, a, b); }
  static constexpr Ref Outside() { return kOutcomes - 1; }
  // Labels that stand for pairs of terminals.
  Ref Pair(Ref a, Ref b) { return Apply(Operation::kPair, a, b); }
  std::pair<Ref, Ref> PairAt(Ref label) const { return pairs_[LabelAt(label)]; }
  // Each terminal replaced.
  Ref Map(Ref ref, const std::function<Ref(Ref)>& replace);
  // `ref` where `word` is `value`: no longer depends on the word.
  Ref Fix(Ref ref, Word word, std::uint32_t value);
  // kTrue when both predicates hold somewhere, else kFalse; builds nothing.
  Ref Intersect(Ref a, Ref b);

  // --- cost
  std::uint32_t NodeCount() const { return count_; }
  std::uint64_t StepCount() const { return steps_; }
  // Counts work done for this diagram; false when that is past the limit.
  bool Spend(std::uint32_t steps = 1);
  // Starts counting steps again, for the next question. Nodes stay.
  void Refill() { steps_ = 0; }
  // A limit was reached at some time: results since then may be kLost.
  bool IsExhausted() const { return exhausted_; }

 private:
  static constexpr Ref kOutcomes = 0x80100000;
  static constexpr Ref kLabels = 0x90000000;
  static constexpr unsigned kChunk = 1024;

  enum class Operation : std::uint8_t { kXor, kStricter, kDiffer, kPair, kIntersect };
  struct Slot {
    std::uint32_t hash = 0;
    Ref node = kLost;  // kLost: empty
  };
  struct CacheLine {
    Ref a = kLost, b = kLost, c = kLost, result = kLost;
  };

  Ref Apply(Operation operation, Ref a, Ref b);
  Ref ApplyTerminals(Operation operation, Ref a, Ref b);
  Ref PairLabel(Ref a, Ref b);
  // One level down a diagram: sixteen children, or itself where it does not test the level.
  const Ref* ChildrenAt(Ref ref, unsigned level) const {
    return Level(ref) == level ? ChildrenOf(ref).data() : nullptr;
  }
  Ref Exhaust();
  Ref Insert(unsigned level, const Children& children, std::uint32_t hash, Slot& slot);
  void GrowTable();
  CacheLine& Line(Ref a, Ref b, Ref c);

  Limits limits_;
  std::array<std::array<std::uint8_t, kDigits>, kWords> level_of_;
  std::array<std::pair<Word, std::uint8_t>, kLevels> digit_at_;
  std::vector<std::unique_ptr<Children[]>> chunks_;
  std::vector<std::uint8_t> levels_;
  std::uint32_t count_ = 0;
  std::uint64_t steps_ = 0;
  bool exhausted_ = false;
  std::vector<Slot> table_;
  std::vector<CacheLine> cache_;
  std::vector<std::pair<Ref, Ref>> pairs_;
  std::unordered_map<std::uint64_t, Ref> label_of_;
};

}  // namespace bailey::verify
