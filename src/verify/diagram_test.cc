#include "verify/diagram.h"

#include <gtest/gtest.h>

#include "verify/predicate.h"
#include "verify/query.h"

namespace bailey::verify {
namespace {

constexpr Ref kAllow = Diagram::Terminal({14, 0});
constexpr Ref kDeny = Diagram::Terminal({6, 1});

TEST(Diagram, HoldsTheLawsOfLogic) {
  for (const Order order : {Order::kWordByWord, Order::kInterleaved}) {
    Diagram d(order);
    const Ref a = Equals(d, Word::kNr, 59);
    const Ref b = Compare(d, WholeArgument(0), Relation::kGreater, 0x123456789a);
    const Ref c = Compare(d, LowHalf(3), Relation::kAnyBit, 0x82);
    EXPECT_EQ(d.And(a, d.Or(b, c)), d.Or(d.And(a, b), d.And(a, c)));
    EXPECT_EQ(d.Not(d.And(a, b)), d.Or(d.Not(a), d.Not(b)));
    EXPECT_EQ(d.Not(d.Not(c)), c);
    EXPECT_EQ(d.Xor(a, b), d.Or(d.And(a, d.Not(b)), d.And(b, d.Not(a))));
    EXPECT_EQ(d.Xor(a, d.Xor(b, a)), b);
    EXPECT_EQ(d.And(a, d.Not(a)), Diagram::kFalse);
    EXPECT_EQ(d.Or(b, d.Not(b)), Diagram::kTrue);
    EXPECT_EQ(d.Ite(a, kAllow, d.Ite(b, kAllow, kDeny)), d.Ite(d.Or(a, b), kAllow, kDeny));
    EXPECT_EQ(d.Intersect(a, d.And(b, c)), Diagram::kTrue);
    EXPECT_EQ(d.Intersect(d.And(a, b), d.And(c, d.Not(b))), Diagram::kFalse);
  }
}

TEST(Diagram, TakesTheStricterAndOnATieTheNewer) {
  Diagram d;
  const Ref is_read = Equals(d, Word::kNr, 0);
  const Ref other_errno = Diagram::Terminal({6, 2});
  const Ref newer = d.Ite(is_read, kAllow, other_errno);
  const Ref older = d.Ite(Equals(d, Word::kArch, 5), kDeny, kAllow);
  EXPECT_EQ(d.Stricter(newer, older),
            d.Ite(is_read, d.Ite(Equals(d, Word::kArch, 5), kDeny, kAllow), other_errno));
}

TEST(Diagram, FixesAWord) {
  Diagram d;
  const Ref low = Compare(d, LowHalf(0), Relation::kLess, 5);
  const Ref high = Equals(d, ArgHigh(0), 0);
  const Ref both = d.And(low, high);
  EXPECT_EQ(d.Fix(both, ArgHigh(0), 0), low);
  EXPECT_EQ(d.Fix(both, ArgHigh(0), 1), Diagram::kFalse);
  EXPECT_EQ(d.Fix(both, ArgLow(0), 4), high);
  EXPECT_EQ(d.Fix(both, Word::kNr, 4), both);
}

TEST(Diagram, PairsKeepBothSides) {
  Diagram d;
  const Ref a = d.Ite(Equals(d, Word::kNr, 1), kAllow, kDeny);
  const Ref b = d.Ite(Equals(d, Word::kNr, 2), kAllow, kDeny);
  const Ref pair = d.Pair(a, b);
  const auto at = [&](std::uint32_t nr) { return d.PairAt(d.Follow(pair, {.nr = nr})); };
  EXPECT_EQ(at(1), std::pair(kAllow, kDeny));
  EXPECT_EQ(at(2), std::pair(kDeny, kAllow));
  EXPECT_EQ(at(3), std::pair(kDeny, kDeny));
}

TEST(Diagram, ForgetsNothingWhenItGrows) {
  Diagram d;
  std::vector<Ref> first, second;
  for (int turn = 0; turn < 2; ++turn) {
    for (std::uint32_t i = 0; i < 3000; ++i) {
      (turn == 0 ? first : second).push_back(Equals(d, Word::kArg2Low, i * 2654435761u));
    }
  }
  EXPECT_EQ(first, second);
  EXPECT_GT(d.NodeCount(), 10000u);
}

// What is lost stays lost through every operation and every question.
TEST(Diagram, IsUndecidedPastItsLimits) {
  Diagram d(Order::kWordByWord, {.nodes = 20});
  const Ref known = Equals(d, Word::kNr, 1);
  const Ref lost = d.And(Equals(d, Word::kArg0Low, 77), Equals(d, Word::kArg1Low, 78));
  ASSERT_EQ(lost, Diagram::kLost);
  EXPECT_TRUE(d.IsExhausted());
  EXPECT_EQ(d.And(lost, known), Diagram::kLost);
  EXPECT_EQ(d.Or(known, lost), Diagram::kLost);
  EXPECT_EQ(d.Not(lost), Diagram::kLost);
  EXPECT_EQ(d.Xor(lost, known), Diagram::kLost);
  EXPECT_EQ(d.Ite(lost, kAllow, kDeny), Diagram::kLost);
  EXPECT_EQ(d.Ite(known, lost, kDeny), Diagram::kLost);
  EXPECT_EQ(d.Stricter(lost, kAllow), Diagram::kLost);
  EXPECT_EQ(d.Differ(lost, lost), Diagram::kLost);
  EXPECT_EQ(d.Pair(kAllow, lost), Diagram::kLost);
  EXPECT_EQ(d.Intersect(known, lost), Diagram::kLost);
  EXPECT_EQ(d.Fix(lost, Word::kNr, 1), Diagram::kLost);
  EXPECT_EQ(Where(d, lost, [](Outcome) { return true; }), Diagram::kLost);
  EXPECT_EQ(Equal(lost, lost), Answer::kUndecided);
  EXPECT_EQ(IsEmpty(lost), Answer::kUndecided);
  EXPECT_EQ(Overlap(d, lost, known), Answer::kUndecided);
  EXPECT_EQ(FindWitness(d, lost).found, Answer::kUndecided);
  EXPECT_EQ(FindDependence(d, lost, Diagram::kTrue, Word::kNr, 1).found, Answer::kUndecided);
  EXPECT_EQ(OutcomesWithin(d, lost, Diagram::kTrue), std::nullopt);
  EXPECT_EQ(OutcomeFor(d, lost, {}), std::nullopt);
  // What was known before stays known.
  EXPECT_EQ(Equal(known, Equals(d, Word::kNr, 1)), Answer::kYes);
}

TEST(Diagram, CountsStepsForOneQuestion) {
  Diagram d(Order::kWordByWord, {.steps = 50});
  const auto ask = [&](std::uint32_t number) {
    return d.And(Equals(d, Word::kArg0Low, number), Equals(d, Word::kArg1Low, number));
  };
  std::uint32_t number = 1;
  while (ask(number) != Diagram::kLost) ++number;
  EXPECT_GT(number, 3u);
  d.Refill();
  EXPECT_NE(ask(number), Diagram::kLost);
}

}  // namespace
}  // namespace bailey::verify
