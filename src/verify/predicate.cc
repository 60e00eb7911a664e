#include "verify/predicate.h"

namespace bailey::verify {
namespace {

// What a comparison looks at in one digit: (digit & mask) ^ flip against `operand`.
struct DigitTest {
  unsigned mask = 0;
  unsigned flip = 0;
  unsigned operand = 0;
};

// The children of a digit, given the truth `below` for what the lower digits decide when this one
// does not. Compilers turn each loop into a few vector instructions.
void DecideDigit(Relation relation, const DigitTest& test, Ref below, Diagram::Children& children) {
  const auto digit = [&](unsigned i) { return (i & test.mask) ^ test.flip; };
  const auto set = [&](Ref less, Ref equal, Ref greater) {
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      const unsigned here = digit(i);
      children[i] = here == test.operand ? equal : here < test.operand ? less : greater;
    }
  };
  switch (relation) {
    case Relation::kEqual:
      return set(Diagram::kFalse, below, Diagram::kFalse);
    case Relation::kLess:
    case Relation::kLessEqual:
      return set(Diagram::kTrue, below, Diagram::kFalse);
    case Relation::kGreater:
    case Relation::kGreaterEqual:
      return set(Diagram::kFalse, below, Diagram::kTrue);
    case Relation::kAnyBit:
      for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
        children[i] = (digit(i) & test.operand) != 0 ? Diagram::kTrue : below;
      }
      return;
  }
}

// Where the digit is not read, one child stands for all.
Ref DecideUnread(Relation relation, const DigitTest& test, Ref below) {
  Diagram::Children children;
  DecideDigit(relation, test, below, children);
  return children[0];
}

bool HoldsWhenEqual(Relation relation) {
  return relation == Relation::kEqual || relation == Relation::kLessEqual ||
         relation == Relation::kGreaterEqual;
}

// Builds the part of a Switch for the values that agree with `base` above `digit`.
struct SwitchBuilder {
  Diagram& diagram;
  Word word;
  Ref otherwise;

  Ref Build(std::uint32_t base, unsigned digits, std::span<const Span> spans) const {
    const std::uint64_t size = std::uint64_t{1} << (Diagram::kDigitBits * digits);
    const auto last = static_cast<std::uint32_t>(base + (size - 1));
    while (!spans.empty() && spans.front().last < base) spans = spans.subspan(1);
    if (spans.empty() || spans.front().first > last) return otherwise;
    if (spans.front().first <= base && last <= spans.front().last) return spans.front().value;
    Diagram::Children children;
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      const auto child_base = static_cast<std::uint32_t>(base + i * (size / Diagram::kFanOut));
      while (!spans.empty() && spans.front().last < child_base) spans = spans.subspan(1);
      children[i] = Build(child_base, digits - 1, spans);
    }
    return diagram.Choose(diagram.LevelOf(word, digits - 1), children);
  }
};

}  // namespace

Ref Compare(Diagram& diagram, const Field& field, Relation relation, std::uint64_t operand,
            std::uint64_t mask) {
  const std::uint64_t width_mask =
      field.bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << field.bits) - 1;
  const bool masked = (mask & width_mask) != width_mask;
  mask &= width_mask;
  operand &= width_mask;
  // Flipping the sign bit turns the signed order into the unsigned one.
  const std::uint64_t flip =
      field.is_signed && !masked && relation != Relation::kEqual && relation != Relation::kAnyBit
          ? std::uint64_t{1} << (field.bits - 1)
          : 0;
  Ref result = HoldsWhenEqual(relation) ? Diagram::kTrue : Diagram::kFalse;
  const unsigned digits = field.high ? 2 * Diagram::kDigits : Diagram::kDigits;
  for (unsigned digit = 0; digit < digits; ++digit) {
    const auto part = [&](std::uint64_t value) {
      return static_cast<unsigned>(value >> (Diagram::kDigitBits * digit)) % Diagram::kFanOut;
    };
    const DigitTest test = {part(mask), part(flip), part(operand) ^ part(flip)};
    if (test.mask == 0) {
      result = DecideUnread(relation, test, result);
      continue;
    }
    Diagram::Children children;
    DecideDigit(relation, test, result, children);
    const Word word = digit < Diagram::kDigits ? field.low : *field.high;
    const unsigned level = diagram.LevelOf(word, digit % Diagram::kDigits);
    // The other children are truth values, which lie below everything.
    result = diagram.Level(result) > level ? diagram.Make(level, children)
                                           : diagram.Choose(level, children);
  }
  return result;
}

Ref Equals(Diagram& diagram, Word word, std::uint32_t value) {
  return Compare(diagram, Whole(word), Relation::kEqual, value);
}

Ref Switch(Diagram& diagram, Word word, std::span<const Span> spans, Ref otherwise, unsigned bits) {
  return SwitchBuilder{diagram, word, otherwise}.Build(0, bits / Diagram::kDigitBits, spans);
}

Ref Where(Diagram& diagram, Ref meaning, const std::function<bool(Outcome)>& wanted) {
  return diagram.Map(meaning, [&](Ref terminal) {
    return Diagram::IsOutcome(terminal) && wanted(Diagram::OutcomeAt(terminal)) ? Diagram::kTrue
                                                                                : Diagram::kFalse;
  });
}

}  // namespace bailey::verify
