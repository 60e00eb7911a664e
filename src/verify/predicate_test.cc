#include "verify/predicate.h"

#include <gtest/gtest.h>

#include <random>

namespace bailey::verify {
namespace {

bool Want(const Field& field, Relation relation, std::uint64_t operand, std::uint64_t mask,
          std::uint64_t value) {
  const std::uint64_t width =
      field.bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << field.bits) - 1;
  const bool masked = (mask & width) != width;
  std::uint64_t left = value & width & mask;
  std::uint64_t right = operand & width;
  if (relation == Relation::kEqual) return left == right;
  if (relation == Relation::kAnyBit) return (left & right) != 0;
  if (field.is_signed && !masked) {
    left ^= std::uint64_t{1} << (field.bits - 1);
    right ^= std::uint64_t{1} << (field.bits - 1);
  }
  switch (relation) {
    case Relation::kLess:
      return left < right;
    case Relation::kLessEqual:
      return left <= right;
    case Relation::kGreater:
      return left > right;
    default:
      return left >= right;
  }
}

// Every relation, width, sign and order of digits, at and around the interesting numbers.
TEST(Compare, AgreesWithArithmetic) {
  constexpr std::uint64_t kNumbers[] = {0,
                                        1,
                                        5,
                                        0x7fff,
                                        0x8000,
                                        0xffff,
                                        0x5412,
                                        0x7fffffff,
                                        0x80000000,
                                        0xffffffff,
                                        0x100005412,
                                        0x7fffffffffffffff,
                                        0x8000000000000000,
                                        ~std::uint64_t{0}};
  constexpr std::uint64_t kMasks[] = {~std::uint64_t{0}, 0x10000000, 0xf0f, 0xffffffff00000001};
  const Field fields[] = {
      {ArgLow(1), std::nullopt, 16, false}, {ArgLow(1), std::nullopt, 16, true},
      {ArgLow(1), std::nullopt, 32, false}, {ArgLow(1), std::nullopt, 32, true},
      {ArgLow(1), ArgHigh(1), 64, false},   {ArgLow(1), ArgHigh(1), 64, true},
      {ArgLow(3), ArgLow(2), 64, false},  // a pair of registers, the high one first
      {ArgLow(2), ArgLow(3), 64, true},   // ... and the low one first
  };
  int compared = 0;
  for (const Order order : {Order::kWordByWord, Order::kInterleaved}) {
    Diagram diagram(order);
    for (const Field& field : fields) {
      for (unsigned relation = 0; relation < 6; ++relation) {
        for (const std::uint64_t operand : kNumbers) {
          for (const std::uint64_t mask : kMasks) {
            const Ref predicate =
                Compare(diagram, field, static_cast<Relation>(relation), operand, mask);
            ASSERT_NE(predicate, Diagram::kLost);
            for (const std::uint64_t number : kNumbers) {
              for (const std::uint64_t value : {number - 1, number, number + 1, number & mask}) {
                bpf::SeccompData data;
                if (field.high) Set(data, *field.high, static_cast<std::uint32_t>(value >> 32));
                Set(data, field.low, static_cast<std::uint32_t>(value));
                const bool want =
                    Want(field, static_cast<Relation>(relation), operand, mask, value);
                ASSERT_EQ(diagram.Follow(predicate, data), want ? Diagram::kTrue : Diagram::kFalse)
                    << "relation " << relation << ", " << field.bits << " bits, " << operand
                    << " mask " << mask << ", value " << value;
                ++compared;
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(compared, 300000);
}

TEST(Compare, IsOneFunctionHoweverItIsWritten) {
  Diagram diagram;
  const Field field = LowHalf(0);
  const Ref below = Compare(diagram, field, Relation::kLess, 100);
  EXPECT_EQ(below, Compare(diagram, field, Relation::kLessEqual, 99));
  EXPECT_EQ(below, diagram.Not(Compare(diagram, field, Relation::kGreaterEqual, 100)));
  EXPECT_EQ(Compare(diagram, field, Relation::kAnyBit, 0x100),
            Compare(diagram, field, Relation::kEqual, 0x100, 0x100));
  EXPECT_EQ(Compare(diagram, field, Relation::kLess, 0), Diagram::kFalse);
  EXPECT_EQ(Compare(diagram, field, Relation::kGreaterEqual, 0), Diagram::kTrue);
  EXPECT_EQ(Compare(diagram, field, Relation::kEqual, 0x200, 0x100), Diagram::kFalse);
}

TEST(Switch, IsTheIteOfItsSpans) {
  constexpr std::uint64_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 200; ++round) {
    Diagram diagram(round % 2 == 0 ? Order::kWordByWord : Order::kInterleaved);
    std::vector<Span> spans;
    std::uint64_t first = random() % 4;
    while (first <= 0xffffffff && spans.size() < 40) {
      const std::uint64_t last = std::min<std::uint64_t>(
          first + (random() % 3 == 0 ? random() % 0x10000000 : random() % 5), 0xffffffff);
      const Ref value = random() % 2 == 0
                            ? Diagram::Terminal({6, static_cast<std::uint16_t>(random() % 4)})
                            : diagram.Ite(Equals(diagram, Word::kArch, 7),
                                          Diagram::Terminal({6, 9}), Diagram::Terminal({0, 0}));
      spans.push_back({static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last), value});
      first = last + 1 + random() % 3;
    }
    const Ref otherwise = Diagram::Terminal(OutcomeOf(0x7fff0000));
    Ref want = otherwise;
    for (const Span& span : spans) {
      const Ref inside =
          diagram.And(Compare(diagram, Whole(Word::kNr), Relation::kGreaterEqual, span.first),
                      Compare(diagram, Whole(Word::kNr), Relation::kLessEqual, span.last));
      want = diagram.Ite(inside, span.value, want);
    }
    ASSERT_EQ(Switch(diagram, Word::kNr, spans, otherwise), want)
        << "seed " << kSeed << ", round " << round;
  }
}

TEST(Where, PicksOutcomes) {
  Diagram diagram;
  const Ref first = Equals(diagram, Word::kNr, 1);
  const Ref meaning = diagram.Ite(
      first, Diagram::Terminal(OutcomeOf(0x00050001)),
      diagram.Ite(Equals(diagram, Word::kNr, 2), Diagram::Terminal(OutcomeOf(0x00050000)),
                  Diagram::Terminal(OutcomeOf(0x7fff0000))));
  EXPECT_EQ(
      Where(diagram, meaning, [](Outcome outcome) { return outcome == OutcomeOf(0x00050001); }),
      first);
}

}  // namespace
}  // namespace bailey::verify
