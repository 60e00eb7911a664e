#include "verify/predicate.h"

namespace bailey::verify {
namespace {

// The truth of a comparison of numbers whose higher digits are equal, given the truth for the
// digits below: `left` and `right` are the digits here.
Ref DecideDigit(Relation relation, unsigned left, unsigned right, Ref below) {
  switch (relation) {
    case Relation::kEqual:
      return left == right ? below : Diagram::kFalse;
    case Relation::kLess:
    case Relation::kLessEqual:
      return left == right ? below : left < right ? Diagram::kTrue : Diagram::kFalse;
    case Relation::kGreater:
    case Relation::kGreaterEqual:
      return left == right ? below : left > right ? Diagram::kTrue : Diagram::kFalse;
    case Relation::kAnyBit:
      return (left & right) != 0 ? Diagram::kTrue : below;
  }
  return Diagram::kLost;
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
    Diagram::Children children;
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      children[i] =
          DecideDigit(relation, (i & part(mask)) ^ part(flip), part(operand) ^ part(flip), result);
    }
    const Word word = digit < Diagram::kDigits ? field.low : *field.high;
    result = diagram.Choose(diagram.LevelOf(word, digit % Diagram::kDigits), children);
  }
  return result;
}

Ref Equals(Diagram& diagram, Word word, std::uint32_t value) {
  return Compare(diagram, Whole(word), Relation::kEqual, value);
}

Ref Switch(Diagram& diagram, Word word, std::span<const Span> spans, Ref otherwise) {
  return SwitchBuilder{diagram, word, otherwise}.Build(0, Diagram::kDigits, spans);
}

Ref Where(Diagram& diagram, Ref meaning, const std::function<bool(Outcome)>& wanted) {
  return diagram.Map(meaning, [&](Ref terminal) {
    return Diagram::IsOutcome(terminal) && wanted(Diagram::OutcomeAt(terminal)) ? Diagram::kTrue
                                                                                : Diagram::kFalse;
  });
}

}  // namespace bailey::verify
