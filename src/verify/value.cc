#include "verify/value.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "bpf/interpreter.h"
#include "verify/predicate.h"

namespace bailey::verify {
namespace {

constexpr Ref kFalse = Diagram::kFalse;
constexpr Ref kTrue = Diagram::kTrue;

constexpr Ref Truth(bool value) { return value ? kTrue : kFalse; }

std::optional<std::uint32_t> AsConstant(const Values::Bits& bits) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < bits.size(); ++i) {
    if (bits[i] != kFalse && bits[i] != kTrue) return std::nullopt;
    value |= (bits[i] == kTrue ? 1u : 0u) << i;
  }
  return value;
}

Relation RelationOf(std::uint16_t test) {
  switch (test) {
    case bpf::kJeq:
      return Relation::kEqual;
    case bpf::kJgt:
      return Relation::kGreater;
    case bpf::kJge:
      return Relation::kGreaterEqual;
    default:
      return Relation::kAnyBit;
  }
}

}  // namespace

std::size_t Values::HashBits::operator()(const Bits& bits) const {
  std::uint64_t hash = 0;
  for (const Ref bit : bits) {
    hash = (hash ^ bit) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

Values::Bits Values::Expand(Value value) {
  if (value.kind == Value::Kind::kBits) return bits_[value.payload];
  Bits bits;
  for (unsigned i = 0; i < bits.size(); ++i) {
    const bool is_set = ((value.payload >> i) & 1) != 0;
    if (value.kind == Value::Kind::kConstant || !is_set) {
      bits[i] = Truth(is_set && value.kind == Value::Kind::kConstant);
      continue;
    }
    Diagram::Children children;
    for (unsigned digit = 0; digit < Diagram::kFanOut; ++digit) {
      children[digit] = Truth(((digit >> (i % Diagram::kDigitBits)) & 1) != 0);
    }
    bits[i] = diagram_.Make(diagram_.LevelOf(value.word, i / Diagram::kDigitBits), children);
  }
  return bits;
}

Value Values::Pack(const Bits& bits) {
  if (const auto constant = AsConstant(bits)) return Constant(*constant);
  const auto [place, is_new] =
      index_of_.try_emplace(bits, static_cast<std::uint32_t>(bits_.size()));
  if (is_new) bits_.push_back(bits);
  return {Value::Kind::kBits, Word::kArch, place->second};
}

Values::Bits Values::Add(const Bits& a, const Bits& b, Ref carry) {
  Bits sum;
  for (unsigned i = 0; i < sum.size(); ++i) {
    const Ref differ = diagram_.Xor(a[i], b[i]);
    sum[i] = diagram_.Xor(differ, carry);
    carry = diagram_.Ite(differ, carry, a[i]);
  }
  return sum;
}

Values::Bits Values::Complement(const Bits& a) {
  Bits result;
  std::ranges::transform(a, result.begin(), [&](Ref bit) { return diagram_.Not(bit); });
  return result;
}

Values::Bits Values::Multiply(const Bits& a, const Bits& b) {
  Bits product;
  product.fill(kFalse);
  for (unsigned i = 0; i < b.size(); ++i) {
    if (b[i] == kFalse) continue;
    Bits addend;
    addend.fill(kFalse);
    for (unsigned j = i; j < addend.size(); ++j) addend[j] = diagram_.And(b[i], a[j - i]);
    product = Add(product, addend, kFalse);
  }
  return product;
}

// Schoolbook division. The remainder is below the divisor before each step, so after the shift it
// needs one bit more than the divisor has; where that bit is set the remainder is larger for sure.
Values::Bits Values::Divide(const Bits& a, const Bits& b) {
  const Bits minus_b = Complement(b);
  Bits quotient;
  Bits remainder;
  remainder.fill(kFalse);
  for (unsigned i = 32; i-- > 0;) {
    const Ref overflow = remainder[31];
    std::shift_right(remainder.begin(), remainder.end(), 1);
    remainder[0] = a[i];
    quotient[i] = diagram_.Or(overflow, Greater(remainder, b, kTrue));
    if (quotient[i] == kFalse) continue;
    const Bits reduced = Add(remainder, minus_b, kTrue);
    for (unsigned j = 0; j < remainder.size(); ++j) {
      remainder[j] = diagram_.Ite(quotient[i], reduced[j], remainder[j]);
    }
    if (diagram_.IsExhausted()) {
      quotient.fill(Diagram::kLost);
      return quotient;
    }
  }
  return quotient;
}

// Five steps, each shifting by a power of two where its bit of the amount is set.
Values::Bits Values::Shift(bool left, const Bits& a, const Bits& amount) {
  Bits result = a;
  for (unsigned stage = 0; stage < 5; ++stage) {
    const unsigned distance = 1u << stage;
    const Bits before = result;
    for (unsigned i = 0; i < result.size(); ++i) {
      const unsigned from = left ? i - distance : i + distance;
      const Ref moved = from < before.size() ? before[from] : kFalse;
      result[i] = diagram_.Ite(amount[stage], moved, before[i]);
    }
  }
  return result;
}

Ref Values::Greater(const Bits& a, const Bits& b, Ref when_equal) {
  Ref result = when_equal;
  for (unsigned i = 0; i < a.size(); ++i) {
    result = diagram_.Ite(diagram_.Xor(a[i], b[i]), a[i], result);
  }
  return result;
}

Value Values::Binary(std::uint16_t operation, Value left, Value right) {
  using enum Value::Kind;
  const bool by_zero = operation == bpf::kDiv && right == Constant(0);
  if (by_zero) return Constant(0);
  if (left.kind == kConstant && right.kind == kConstant) {
    return Constant(bpf::Compute(operation, left.payload, right.payload));
  }
  if (operation == bpf::kAnd && left.kind == kMasked && right.kind == kConstant) {
    const std::uint32_t mask = left.payload & right.payload;
    return mask == 0 ? Constant(0) : Value{kMasked, left.word, mask};
  }
  const Bits a = Expand(left);
  const Bits b = Expand(right);
  Bits result;
  switch (operation) {
    case bpf::kAdd:
      return Pack(Add(a, b, kFalse));
    case bpf::kSub:
      return Pack(Add(a, Complement(b), kTrue));
    case bpf::kMul:
      return Pack(left.kind == kConstant ? Multiply(b, a) : Multiply(a, b));
    case bpf::kDiv:
      if (right.kind == kConstant && std::has_single_bit(right.payload)) {
        const auto shift = static_cast<std::uint32_t>(std::countr_zero(right.payload));
        return Pack(Shift(false, a, Expand(Constant(shift))));
      }
      return Pack(Divide(a, b));
    case bpf::kLsh:
      return Pack(Shift(true, a, b));
    case bpf::kRsh:
      return Pack(Shift(false, a, b));
    case bpf::kOr:
      for (unsigned i = 0; i < result.size(); ++i) result[i] = diagram_.Or(a[i], b[i]);
      return Pack(result);
    case bpf::kAnd:
      for (unsigned i = 0; i < result.size(); ++i) result[i] = diagram_.And(a[i], b[i]);
      return Pack(result);
    default:
      for (unsigned i = 0; i < result.size(); ++i) result[i] = diagram_.Xor(a[i], b[i]);
      return Pack(result);
  }
}

Value Values::Negate(Value value) { return Binary(bpf::kSub, Constant(0), value); }

Ref Values::Holds(std::uint16_t test, Value left, Value right) {
  using enum Value::Kind;
  if (left.kind == kConstant && right.kind == kConstant) {
    return Truth(bpf::Holds(test, left.payload, right.payload));
  }
  if (left.kind == kMasked && right.kind == kConstant) {
    return Compare(diagram_, Whole(left.word), RelationOf(test), right.payload, left.payload);
  }
  const Bits a = Expand(left);
  const Bits b = Expand(right);
  if (test == bpf::kJgt) return Greater(a, b, kFalse);
  if (test == bpf::kJge) return Greater(a, b, kTrue);
  Ref result = Truth(test == bpf::kJeq);
  for (unsigned i = 0; i < a.size(); ++i) {
    result = test == bpf::kJeq ? diagram_.And(diagram_.Not(diagram_.Xor(a[i], b[i])), result)
                               : diagram_.Or(diagram_.And(a[i], b[i]), result);
  }
  return result;
}

Value Values::Select(Ref condition, Value then, Value otherwise) {
  if (then == otherwise || condition == kTrue) return then;
  if (condition == kFalse) return otherwise;
  const Bits a = Expand(then);
  const Bits b = Expand(otherwise);
  Bits result;
  for (unsigned i = 0; i < result.size(); ++i) result[i] = diagram_.Ite(condition, a[i], b[i]);
  return Pack(result);
}

// Descends all thirty-two diagrams together. It stops as soon as all values that the open bits
// leave have one outcome; values of unknown actions are many, and alike.
Ref Values::ReturnedFrom(const Bits& bits) {
  std::uint32_t lowest = 0;
  std::uint32_t highest = 0;
  unsigned level = Diagram::kLevels;
  for (unsigned i = 0; i < bits.size(); ++i) {
    if (bits[i] != kFalse) highest |= 1u << i;
    if (bits[i] == kTrue) lowest |= 1u << i;
    level = std::min(level, diagram_.Level(bits[i]));
  }
  if (IsOneOutcome(lowest, highest)) return Diagram::Terminal(OutcomeOf(lowest));
  if (const auto known = returned_.find(bits); known != returned_.end()) return known->second;
  // This costs as much time and memory as some steps of a diagram.
  if (!diagram_.Spend(24)) return Diagram::kLost;
  Diagram::Children children;
  for (unsigned digit = 0; digit < Diagram::kFanOut; ++digit) {
    Bits below = bits;
    for (Ref& bit : below) {
      if (diagram_.Level(bit) == level) bit = diagram_.ChildrenOf(bit)[digit];
    }
    children[digit] = ReturnedFrom(below);
  }
  const Ref result = diagram_.Make(level, children);
  returned_.emplace(bits, result);
  return result;
}

Ref Values::Outcomes(Value value) {
  if (value.kind == Value::Kind::kConstant) return Diagram::Terminal(OutcomeOf(value.payload));
  const Bits bits = Expand(value);
  if (std::ranges::find(bits, Diagram::kLost) != bits.end()) return Diagram::kLost;
  return ReturnedFrom(bits);
}

}  // namespace bailey::verify
