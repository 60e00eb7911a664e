#include "verify/value.h"

#include <gtest/gtest.h>

#include "bpf/interpreter.h"
#include "bpf/random_program.h"

namespace bailey::verify {
namespace {

std::uint32_t Interesting(bpf::RandomPrograms& random) {
  constexpr std::uint32_t kNumbers[] = {0,  1,    2,          3,          7,          31,        32,
                                        33, 0xff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  if (random.OneIn(3)) return random.Below(0xffffffff);
  return kNumbers[random.Below(std::size(kNumbers))];
}

constexpr std::uint16_t kOperations[] = {bpf::kAdd, bpf::kSub, bpf::kMul, bpf::kDiv, bpf::kOr,
                                         bpf::kAnd, bpf::kLsh, bpf::kRsh, bpf::kXor};
constexpr std::uint16_t kTests[] = {bpf::kJeq, bpf::kJgt, bpf::kJge, bpf::kJset};

// A value with the number it must have for some call.
struct Sample {
  Value value;
  std::uint32_t number;
};

// Each operation on a masked word and a constant (both ways round), compared with every test.
TEST(Values, AgreeWithArithmetic) {
  constexpr std::uint64_t kSeed = 31;
  bpf::RandomPrograms random(kSeed);
  int compared = 0;
  for (int round = 0; round < 1500; ++round) {
    const std::uint16_t operation = kOperations[static_cast<std::size_t>(round) % 9];
    Diagram diagram(Order::kWordByWord, {.nodes = 20'000, .steps = 100'000});
    Values values(diagram);
    // Few open bits keep products and quotients small whatever the constant is.
    const std::uint32_t mask = operation == bpf::kMul || operation == bpf::kDiv
                                   ? 0x0fff0u << random.Below(8)
                                   : Interesting(random);
    const std::uint32_t word = Interesting(random);
    const std::uint32_t constant = Interesting(random);
    const Value masked =
        values.Binary(bpf::kAnd, Values::Load(Word::kArg0Low), Values::Constant(mask));
    Sample left = {masked, word & mask};
    Sample right = {Values::Constant(constant), constant};
    if (random.OneIn(2)) std::swap(left, right);
    if (operation == bpf::kDiv && right.number == 0) continue;
    const Value result = values.Binary(operation, left.value, right.value);
    const std::uint32_t number = bpf::Compute(operation, left.number, right.number);
    bpf::SeccompData data;
    Set(data, Word::kArg0Low, word);
    for (const std::uint16_t test : kTests) {
      for (const std::uint32_t operand : {number, number + 1, number - 1, Interesting(random)}) {
        const Ref holds = values.Holds(test, result, Values::Constant(operand));
        if (holds == Diagram::kLost) continue;
        ASSERT_EQ(diagram.Follow(holds, data) == Diagram::kTrue, bpf::Holds(test, number, operand))
            << "seed " << kSeed << ", round " << round << ": operation " << operation << " on "
            << left.number << " and " << right.number << ", test " << test << " " << operand;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 15000);
}

TEST(Values, RelateTwoWords) {
  constexpr std::uint64_t kSeed = 32;
  bpf::RandomPrograms random(kSeed);
  Diagram diagram(Order::kInterleaved);
  Values values(diagram);
  const Value a = Values::Load(Word::kArg0Low);
  const Value b = Values::Load(Word::kArg1Low);
  for (const std::uint16_t operation : {bpf::kAdd, bpf::kSub, bpf::kOr, bpf::kAnd, bpf::kXor}) {
    const Value result = values.Binary(operation, a, b);
    for (const std::uint16_t test : kTests) {
      const Ref holds = values.Holds(test, result, Values::Load(Word::kArg2Low));
      ASSERT_NE(holds, Diagram::kLost);
      for (int round = 0; round < 300; ++round) {
        const std::uint32_t left = Interesting(random);
        const std::uint32_t right = Interesting(random);
        const std::uint32_t number = bpf::Compute(operation, left, right);
        const std::uint32_t operand = random.OneIn(2) ? number : Interesting(random);
        bpf::SeccompData data;
        Set(data, Word::kArg0Low, left);
        Set(data, Word::kArg1Low, right);
        Set(data, Word::kArg2Low, operand);
        ASSERT_EQ(diagram.Follow(holds, data) == Diagram::kTrue, bpf::Holds(test, number, operand))
            << "seed " << kSeed << ": operation " << operation << " on " << left << " and " << right
            << ", test " << test << " " << operand;
      }
    }
  }
}

TEST(Values, NegatesAndSelects) {
  Diagram diagram;
  Values values(diagram);
  const Value word = Values::Load(Word::kArg0Low);
  const Value minus = values.Negate(word);
  const Ref is_five = values.Holds(bpf::kJeq, word, Values::Constant(5));
  EXPECT_EQ(values.Holds(bpf::kJeq, minus, Values::Constant(0xfffffffb)), is_five);
  EXPECT_EQ(values.Holds(bpf::kJeq, values.Negate(minus), Values::Constant(5)), is_five);
  const Value selected = values.Select(is_five, Values::Constant(9), Values::Constant(2));
  EXPECT_EQ(values.Holds(bpf::kJeq, selected, Values::Constant(9)), is_five);
  EXPECT_EQ(values.Holds(bpf::kJeq, selected, Values::Constant(2)), diagram.Not(is_five));
  EXPECT_EQ(values.Holds(bpf::kJeq, selected, Values::Constant(3)), Diagram::kFalse);
}

// A filter that returns what the caller passes: every outcome there is.
TEST(Values, ReturnsAnything) {
  Diagram diagram;
  Values values(diagram);
  const Ref outcomes = values.Outcomes(Values::Load(Word::kArg0Low));
  ASSERT_NE(outcomes, Diagram::kLost);
  for (const std::uint32_t action :
       {0x0000u, 0x0001u, 0x0003u, 0x0005u, 0x0006u, 0x7fc0u, 0x7ff0u, 0x7ffcu, 0x7fffu, 0x8000u,
        0x8001u, 0xffffu, 0x7ffdu, 0x1234u}) {
    for (const std::uint32_t data_bits : {0u, 1u, 4094u, 4095u, 4096u, 0x5555u, 0xffffu}) {
      bpf::SeccompData data;
      Set(data, Word::kArg0Low, (action << 16) | data_bits);
      EXPECT_EQ(Diagram::OutcomeAt(diagram.Follow(outcomes, data)),
                OutcomeOf((action << 16) | data_bits));
    }
  }
}

}  // namespace
}  // namespace bailey::verify
