#include "prove/condition_text.h"

#include <fmt/format.h>

#include <bit>
#include <utility>
#include <vector>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "prove/call_text.h"
#include "verify/describe.h"

namespace bailey::prove {
namespace {

using policy::Comparison;
using policy::Condition;
using policy::Test;
using policy::Value;
using verify::Diagram;
using verify::Word;
using verify::WordTest;

constexpr std::uint32_t kAll = 0xffffffff;
// Ranges up to this size are written as lists.
constexpr std::uint32_t kFewValues = 8;

Value Number(std::uint64_t number) { return {{{"", number}}}; }

Condition Leaf(Test test) {
  Condition condition;
  condition.test = std::move(test);
  return condition;
}

Condition Join(Condition::Kind kind, std::vector<Condition> children) {
  if (children.size() == 1 && kind != Condition::Kind::kNot) return std::move(children.front());
  Condition condition;
  condition.kind = kind;
  for (Condition& child : children) {
    if (child.kind == kind && kind != Condition::Kind::kNot) {
      for (Condition& inner : child.children) condition.children.push_back(std::move(inner));
    } else {
      condition.children.push_back(std::move(child));
    }
  }
  return condition;
}

Condition Negated(Condition condition) {
  if (condition.kind == Condition::Kind::kNot) return std::move(condition.children.front());
  std::vector<Condition> children;
  children.push_back(std::move(condition));
  return Join(Condition::Kind::kNot, std::move(children));
}

class Writer {
 public:
  Writer(abi::Arch arch, std::string_view syscall) : arch_(arch), syscall_(syscall) {}

  // nullopt for a word that policies do not see.
  std::optional<Condition> Write(const WordTest& test) const {
    if (test.word < Word::kArg0High || test.word > Word::kArg5Low) return std::nullopt;
    const auto index = static_cast<unsigned>(test.word) - static_cast<unsigned>(Word::kArg0High);
    const bool is_high = index % 2 == 0;
    const unsigned slot = index / 2;
    if (const auto argument = is_high ? std::nullopt : PlainArgument(slot))
      return Compared(test, std::string(argument->name), 0, &*argument);
    return Compared(test, fmt::format("arg{}.raw", slot), is_high ? 32 : 0, nullptr);
  }

 private:
  // An argument of 32 bits that is the low half of this register.
  std::optional<abi::Argument> PlainArgument(unsigned slot) const {
    for (const abi::Argument& argument : abi::Arguments(arch_, syscall_)) {
      const bool is_plain = argument.low_slot == slot && argument.high_slot == slot &&
                            abi::Bits(argument.type, arch_) == 32 &&
                            argument.type != abi::ArgumentType::kPointer;
      if (is_plain) return argument;
    }
    return std::nullopt;
  }

  Condition Compared(const WordTest& word, const std::string& name, unsigned shift,
                     const abi::Argument* argument) const {
    const std::uint64_t mask = std::uint64_t{word.mask} << shift;
    Test test;
    test.argument = name;
    const bool is_any_bit = word.last == word.mask && std::has_single_bit(word.first) &&
                            word.mask != kAll &&
                            std::countr_zero(word.first) == std::countr_zero(word.mask);
    if (is_any_bit) {
      test.comparison = Comparison::kAnyBit;
      test.mask = Named(argument, mask);
      return Leaf(std::move(test));
    }
    // With a mask the comparison is of unsigned numbers, as words are.
    const bool is_plain = argument != nullptr && word.mask == kAll && word.first == word.last &&
                          (!abi::IsSigned(argument->type) || word.first < 0x80000000);
    if (!is_plain) test.mask = Number(mask);
    if (word.first == word.last) {
      test.operands = {word.mask == kAll ? Named(argument, std::uint64_t{word.first} << shift)
                                         : Number(std::uint64_t{word.first} << shift)};
      return Leaf(std::move(test));
    }
    if (word.last - word.first < kFewValues) {
      test.comparison = Comparison::kIn;
      for (std::uint64_t value = word.first; value <= word.last; ++value) {
        // A mask may leave out some of the values between.
        if ((value & ~std::uint64_t{word.mask}) != 0) continue;
        test.operands.push_back(word.mask == kAll ? Named(argument, value << shift)
                                                  : Number(value << shift));
      }
      const bool fits =
          argument == nullptr || !abi::IsSigned(argument->type) || word.last < 0x80000000;
      if (argument != nullptr && word.mask == kAll && fits) test.mask.reset();
      return Leaf(std::move(test));
    }
    std::vector<Condition> both;
    if (word.first != 0) {
      test.comparison = Comparison::kGreaterEqual;
      test.operands = {Number(std::uint64_t{word.first} << shift)};
      both.push_back(Leaf(test));
    }
    if (word.last != word.mask) {
      test.comparison = Comparison::kLessEqual;
      test.operands = {Number(std::uint64_t{word.last} << shift)};
      both.push_back(Leaf(test));
    }
    return Join(Condition::Kind::kAnd, std::move(both));
  }

  // By the constant's name, where it is one that policies know to have this value.
  Value Named(const abi::Argument* argument, std::uint64_t value) const {
    const std::string name =
        argument == nullptr ? "" : ValueName(arch_, syscall_, *argument, value);
    if (name.empty() || abi::Constant(arch_, name) != value) return Number(value);
    return {{{name, 0}}};
  }

  abi::Arch arch_;
  std::string_view syscall_;
};

// Alternatives that are one argument's values become a list of them.
std::vector<Condition> WithLists(std::vector<Condition> alternatives) {
  std::vector<Condition> result;
  for (Condition& one : alternatives) {
    const bool is_equal =
        one.kind == Condition::Kind::kTest && one.test.comparison == Comparison::kEqual;
    Test* const last = result.empty() || result.back().kind != Condition::Kind::kTest
                           ? nullptr
                           : &result.back().test;
    const bool joins =
        is_equal && last != nullptr && last->argument == one.test.argument &&
        last->mask == one.test.mask &&
        (last->comparison == Comparison::kEqual || last->comparison == Comparison::kIn);
    if (!joins) {
      result.push_back(std::move(one));
      continue;
    }
    last->comparison = Comparison::kIn;
    for (Value& operand : one.test.operands) last->operands.push_back(std::move(operand));
  }
  return result;
}

}  // namespace

std::optional<Condition> ConditionOf(Diagram& diagram, verify::Ref predicate, abi::Arch arch,
                                     std::string_view syscall, std::size_t most) {
  const auto cases = verify::ListCases(diagram, predicate, most);
  if (!cases || cases->size() < 2) return std::nullopt;
  const Writer writer(arch, syscall);
  // From the last case up: runs of cases with one answer are alternatives.
  std::optional<Condition> result;  // none: the constant `rest`
  bool rest = cases->back().terminal == Diagram::kTrue;
  for (std::size_t end = cases->size() - 1; end > 0;) {
    const bool answer = (*cases)[end - 1].terminal == Diagram::kTrue;
    std::size_t begin = end;
    while (begin > 0 && ((*cases)[begin - 1].terminal == Diagram::kTrue) == answer) --begin;
    std::vector<Condition> alternatives;
    for (std::size_t i = begin; i < end; ++i) {
      std::vector<Condition> tests;
      for (const WordTest& test : (*cases)[i].tests) {
        auto written = writer.Write(test);
        if (!written) return std::nullopt;
        tests.push_back(*std::move(written));
      }
      alternatives.push_back(Join(Condition::Kind::kAnd, std::move(tests)));
    }
    end = begin;
    Condition any = Join(Condition::Kind::kOr, WithLists(std::move(alternatives)));
    if (!result) {
      if (answer == rest) continue;
      result = answer ? std::move(any) : Negated(std::move(any));
      continue;
    }
    std::vector<Condition> both;
    both.push_back(answer ? std::move(any) : Negated(std::move(any)));
    both.push_back(*std::move(result));
    result = Join(answer ? Condition::Kind::kOr : Condition::Kind::kAnd, std::move(both));
  }
  return result;
}

}  // namespace bailey::prove
