// Conditions on the arguments of a call, as policies write them:
//
//   condition  := conjunction { "or" conjunction }
//   conjunction := negation { "and" negation }
//   negation   := "not" negation | "(" condition ")" | comparison
//   comparison := argument [ "&" value ] ( operator value | "in" "{" value { "," value } "}" )
//               | argument "&" value                       which means: any of these bits is set
//   operator   := "==" | "!=" | "<" | "<=" | ">" | ">="
//   value      := term { "|" term }
//   term       := constant name | [ "-" ] number           decimal, 0x hexadecimal, 0 octal
//   argument   := the kernel's name for it | "arg0".."arg5" | "arg0.raw".."arg5.raw"
//
// `&` binds tighter than the comparison: "flags & A|B == A" masks with A|B, then compares. Names of
// arguments and constants are kept: they mean different words and values on different
// architectures (clone's flags on s390, TIOCSTI on mips), and are resolved by abi for each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"

namespace bailey::policy {

struct Term {
  std::string constant;      // empty for a number
  std::uint64_t number = 0;  // negative numbers in two's complement
  bool operator==(const Term&) const = default;
};

// The terms, or'ed together.
struct Value {
  std::vector<Term> terms;
  bool operator==(const Value&) const = default;
};

enum class Comparison : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnyBit,  // argument & mask is not zero; `operands` is empty
  kIn,      // one of `operands`
};

// Compares (argument & mask) with the operands, at the width and sign of the argument's type. With
// a mask the comparison is unsigned.
struct Test {
  std::string argument;
  std::optional<Value> mask;
  Comparison comparison = Comparison::kEqual;
  std::vector<Value> operands;
  bool operator==(const Test&) const = default;
};

struct Condition {
  enum class Kind : std::uint8_t { kTest, kAnd, kOr, kNot };
  Kind kind = Kind::kTest;
  Test test;                        // for kTest
  std::vector<Condition> children;  // for the others: one for kNot, two or more otherwise
  bool operator==(const Condition&) const = default;
};

// A condition or none, in the size of a pointer: a policy has hundreds of rules, and few have one.
// It is used as std::optional is.
class OptionalCondition {
 public:
  OptionalCondition() = default;
  OptionalCondition(std::nullopt_t) {}
  OptionalCondition(Condition condition)
      : condition_(std::make_unique<Condition>(std::move(condition))) {}
  OptionalCondition(const OptionalCondition& other)
      : condition_(other ? std::make_unique<Condition>(*other) : nullptr) {}
  OptionalCondition(OptionalCondition&&) noexcept = default;
  OptionalCondition& operator=(OptionalCondition other) noexcept {
    condition_ = std::move(other.condition_);
    return *this;
  }
  ~OptionalCondition() = default;

  bool has_value() const { return condition_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const Condition& operator*() const { return *condition_; }
  Condition& operator*() { return *condition_; }
  const Condition* operator->() const { return condition_.get(); }
  bool operator==(const OptionalCondition& other) const {
    return has_value() == other.has_value() && (!has_value() || **this == *other);
  }

 private:
  std::unique_ptr<Condition> condition_;
};

// Syntax only; columns in errors count from 1 within `text`.
base::Result<Condition> ParseCondition(std::string_view text);
// As it would be written; ParseCondition(ToString(c)) == c.
std::string ToString(const Condition& condition);

// The value on an architecture; nullopt when a constant is not defined there.
std::optional<std::uint64_t> Resolve(const Value& value, abi::Arch arch);

}  // namespace bailey::policy
