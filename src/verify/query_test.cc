#include "verify/query.h"

#include <gtest/gtest.h>

#include "verify/predicate.h"

namespace bailey::verify {
namespace {

constexpr Ref kAllow = Diagram::Terminal({14, 0});
constexpr Ref kDeny = Diagram::Terminal({6, 1});
constexpr Ref kKill = Diagram::Terminal({0, 0});

TEST(FindWitness, IsSmallAndLeavesFreeWordsAtZero) {
  Diagram d;
  const Ref predicate = d.And(Equals(d, Word::kArch, 0xc000003e),
                              d.And(Compare(d, Whole(Word::kNr), Relation::kGreater, 16),
                                    d.And(Compare(d, LowHalf(1), Relation::kEqual, 0x5412),
                                          d.Not(Equals(d, ArgHigh(1), 0)))));
  const Witness witness = FindWitness(d, predicate);
  ASSERT_EQ(witness.found, Answer::kYes);
  EXPECT_EQ(witness.data,
            (bpf::SeccompData{.nr = 17, .arch = 0xc000003e, .args = {0, 0x100005412}}));
  EXPECT_EQ(FindWitness(d, Diagram::kFalse).found, Answer::kNo);
  EXPECT_EQ(FindWitness(d, Diagram::kTrue).data, bpf::SeccompData{});
}

TEST(OutcomesWithin, ListsWhatCanHappen) {
  Diagram d;
  const Ref is_arch = Equals(d, Word::kArch, 7);
  const Ref meaning = d.Ite(is_arch, d.Ite(Equals(d, Word::kNr, 1), kAllow, kDeny), kKill);
  using Outcomes = std::vector<Outcome>;
  EXPECT_EQ(OutcomesWithin(d, meaning, Diagram::kTrue), (Outcomes{{0, 0}, {6, 1}, {14, 0}}));
  EXPECT_EQ(OutcomesWithin(d, meaning, is_arch), (Outcomes{{6, 1}, {14, 0}}));
  EXPECT_EQ(OutcomesWithin(d, meaning, d.Not(is_arch)), (Outcomes{{0, 0}}));
  EXPECT_EQ(OutcomesWithin(d, meaning, Diagram::kFalse), Outcomes{});
}

TEST(FindDependence, FindsBitsThatNobodyReads) {
  Diagram d;
  const Ref is_ioctl = Equals(d, Word::kNr, 16);
  const Ref is_tiocsti = Compare(d, WholeArgument(1), Relation::kEqual, 0x5412);
  const Ref meaning = d.Ite(d.And(is_ioctl, is_tiocsti), kDeny, kAllow);

  const Dependence high = FindDependence(d, meaning, is_ioctl, ArgHigh(1), 0xffffffff);
  ASSERT_EQ(high.found, Answer::kYes);
  EXPECT_EQ(high.one.nr, 16u);
  EXPECT_EQ(high.one.args[1] & 0xffffffff, high.other.args[1] & 0xffffffff);
  EXPECT_NE(d.Follow(meaning, high.one), d.Follow(meaning, high.other));

  EXPECT_EQ(FindDependence(d, meaning, d.Not(is_ioctl), ArgHigh(1), 0xffffffff).found, Answer::kNo);
  EXPECT_EQ(FindDependence(d, meaning, is_ioctl, ArgHigh(0), 0xffffffff).found, Answer::kNo);
}

// Part of a digit is discarded: 3 of its bits are read.
TEST(FindDependence, LooksAtSingleBits) {
  Diagram d;
  const Ref odd = Compare(d, LowHalf(0), Relation::kAnyBit, 1);
  const Ref meaning = d.Ite(odd, kDeny, kAllow);
  EXPECT_EQ(FindDependence(d, meaning, Diagram::kTrue, ArgLow(0), 1).found, Answer::kYes);
  EXPECT_EQ(FindDependence(d, meaning, Diagram::kTrue, ArgLow(0), 0xfffffffe).found, Answer::kNo);
}

}  // namespace
}  // namespace bailey::verify
