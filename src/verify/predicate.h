// Questions about a call, as diagrams: what one can say about words and arguments from outside,
// without a filter.
//
//   Diagram diagram;
//   Ref x86_64 = Equals(diagram, Word::kArch, 0xc000003e);
//   Ref ioctl = Equals(diagram, Word::kNr, 16);
//   Ref tiocsti = Compare(diagram, LowHalf(1), Relation::kEqual, 0x5412);
//   Ref call = diagram.And(x86_64, diagram.And(ioctl, tiocsti));
//
// A whole table at once: Switch(diagram, Word::kNr, spans, otherwise).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "verify/diagram.h"

namespace bailey::verify {

// A number in one word, or in two (the two halves of a register, or two registers).
struct Field {
  Word low = Word::kNr;
  std::optional<Word> high;
  unsigned bits = 32;  // those above are ignored; more than 32 only with `high`
  bool is_signed = false;
};
constexpr Field Whole(Word word) { return {word, std::nullopt, 32, false}; }
constexpr Field LowHalf(unsigned slot) { return {ArgLow(slot), std::nullopt, 32, false}; }
constexpr Field WholeArgument(unsigned slot) { return {ArgLow(slot), ArgHigh(slot), 64, false}; }

enum class Relation : std::uint8_t {
  kEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnyBit,  // field & mask & operand is not zero
};

// (field & mask) compared with the low `bits` of `operand`, with the field's sign unless masked.
Ref Compare(Diagram& diagram, const Field& field, Relation relation, std::uint64_t operand,
            std::uint64_t mask = ~std::uint64_t{0});
// `word` is `value`.
Ref Equals(Diagram& diagram, Word word, std::uint32_t value);

// A function of the low `bits` of `word` (a multiple of 4) given by its values: `value` from
// `first` to `last`, both included. The spans are sorted and do not overlap.
struct Span {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  Ref value = Diagram::kTrue;
  bool operator==(const Span&) const = default;
};
Ref Switch(Diagram& diagram, Word word, std::span<const Span> spans,
           Ref otherwise = Diagram::kFalse, unsigned bits = 32);

// The calls for which `meaning` has an outcome that `wanted` holds for.
Ref Where(Diagram& diagram, Ref meaning, const std::function<bool(Outcome)>& wanted);

}  // namespace bailey::verify
