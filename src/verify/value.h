// The 32-bit values that a filter computes, as functions of the call.
//
//   Values values(diagram);
//   Value flags = values.Binary(bpf::kAnd, values.Load(Word::kArg0Low), Values::Constant(0x100));
//   Ref set = values.Holds(bpf::kJset, flags, Values::Constant(0x100));
//
// Nearly every filter only loads words and masks them; such values stay small descriptions, and a
// comparison with a constant becomes a chain of eight nodes. All others are thirty-two diagrams,
// one for each bit, computed as an arithmetic unit would: exact, and within the diagram's limits.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "verify/diagram.h"

namespace bailey::verify {

struct Value {
  enum class Kind : std::uint8_t {
    kConstant,  // `payload`
    kMasked,    // `word` & `payload`; the payload is not 0
    kBits,      // the `payload`th of Values' bit vectors
  };
  Kind kind = Kind::kConstant;
  Word word = Word::kArch;
  std::uint32_t payload = 0;
  bool operator==(const Value&) const = default;
};

class Values {
 public:
  using Bits = std::array<Ref, 32>;  // the least significant first

  explicit Values(Diagram& diagram) : diagram_(diagram) {}

  static Value Constant(std::uint32_t value) {
    return {Value::Kind::kConstant, Word::kArch, value};
  }
  static Value Load(Word word) { return {Value::Kind::kMasked, word, 0xffffffff}; }

  // `operation` is bpf::kAdd .. kXor. Where a divisor is zero, the quotient is any number: the
  // filter has ended there.
  Value Binary(std::uint16_t operation, Value left, Value right);
  Value Negate(Value value);
  // `test` is kJeq, kJgt, kJge or kJset.
  Ref Holds(std::uint16_t test, Value left, Value right);
  // `then` where the condition holds.
  Value Select(Ref condition, Value then, Value otherwise);
  // The outcome of returning the value.
  Ref Outcomes(Value value);

 private:
  struct HashBits {
    std::size_t operator()(const Bits& bits) const;
  };

  Bits Expand(Value value);
  Value Pack(const Bits& bits);
  Bits Add(const Bits& a, const Bits& b, Ref carry);
  Bits Complement(const Bits& a);
  Bits Multiply(const Bits& a, const Bits& b);
  Bits Divide(const Bits& a, const Bits& b);
  Bits Shift(bool left, const Bits& a, const Bits& amount);
  Ref Greater(const Bits& a, const Bits& b, Ref when_equal);
  Ref ReturnedFrom(const Bits& bits);

  Diagram& diagram_;
  std::vector<Bits> bits_;
  std::unordered_map<Bits, std::uint32_t, HashBits> index_of_;
  std::unordered_map<Bits, Ref, HashBits> returned_;
};

}  // namespace bailey::verify
