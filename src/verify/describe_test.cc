#include "verify/describe.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bpf/random_program.h"
#include "verify/meaning.h"

namespace bailey::verify {
namespace {

constexpr Ref kAllow = Diagram::Terminal({14, 0});
constexpr Ref kDeny = Diagram::Terminal({6, 1});

TEST(Split, FindsTheLongestRanges) {
  Diagram d;
  const Span spans[] = {{2, 5, kAllow}, {6, 6, kDeny}, {7, 100, kAllow}};
  const Ref table = Switch(d, Word::kNr, spans, kDeny);
  EXPECT_EQ(Split(d, table, Word::kNr), (std::vector<Span>{{0, 1, kDeny},
                                                           {2, 5, kAllow},
                                                           {6, 6, kDeny},
                                                           {7, 100, kAllow},
                                                           {101, 0xffffffff, kDeny}}));
  EXPECT_EQ(Split(d, kDeny, Word::kNr), (std::vector<Span>{{0, 0xffffffff, kDeny}}));
  EXPECT_EQ(Split(d, table, Word::kNr, 4), std::nullopt);
  EXPECT_EQ(Split(d, Diagram::kLost, Word::kNr), std::nullopt);
}

struct Row {
  std::string sentence;
  Ref ref;
  std::vector<Case> want;
};

TEST(ListCases, WritesConditionsAsAPersonWould) {
  Diagram d;
  const auto compare = [&](const Field& field, Relation relation, std::uint64_t operand,
                           std::uint64_t mask = ~std::uint64_t{0}) {
    return Compare(d, field, relation, operand, mask);
  };
  constexpr std::uint32_t kAll = 0xffffffff;
  const std::vector<Row> rows = {
      {"a terminal", kAllow, {{{}, kAllow}}},
      {"one value",
       d.Ite(compare(LowHalf(0), Relation::kEqual, 5), kAllow, kDeny),
       {{{{ArgLow(0), kAll, 5, 5}}, kAllow}, {{}, kDeny}}},
      {"all but one value",
       d.Ite(compare(LowHalf(0), Relation::kEqual, 5), kDeny, kAllow),
       {{{{ArgLow(0), kAll, 5, 5}}, kDeny}, {{}, kAllow}}},
      {"any of some flags, and none of them",
       d.Ite(compare(LowHalf(0), Relation::kAnyBit, 0x10000000), kDeny, kAllow),
       {{{{ArgLow(0), 0x10000000, 0x10000000, 0x10000000}}, kDeny}, {{}, kAllow}}},
      {"none of many flags",
       d.Ite(compare(LowHalf(0), Relation::kEqual, 0, 0x7e020000), kAllow, kDeny),
       {{{{ArgLow(0), 0x7e020000, 0, 0}}, kAllow}, {{}, kDeny}}},
      {"sixty-four bits",
       d.Ite(compare(WholeArgument(1), Relation::kEqual, 0x200000003), kAllow, kDeny),
       {{{{ArgHigh(1), kAll, 2, 2}, {ArgLow(1), kAll, 3, 3}}, kAllow}, {{}, kDeny}}},
      {"two arguments",
       d.Ite(
           d.And(compare(LowHalf(0), Relation::kLess, 3), compare(LowHalf(1), Relation::kEqual, 7)),
           kDeny, kAllow),
       {{{{ArgLow(0), kAll, 0, 2}, {ArgLow(1), kAll, 7, 7}}, kDeny}, {{}, kAllow}}},
      {"a range above a limit",
       d.Ite(compare(LowHalf(2), Relation::kGreater, 39), kDeny, kAllow),
       {{{{ArgLow(2), kAll, 0, 39}}, kAllow}, {{}, kDeny}}},
  };
  for (const Row& row : rows) EXPECT_EQ(ListCases(d, row.ref), row.want) << row.sentence;
}

TEST(ListCases, RefusesWhatIsTooLong) {
  Diagram d;
  // An odd number of set bits: no mask and no range says that shortly.
  Ref odd = Diagram::kFalse;
  for (unsigned bit = 0; bit < 32; ++bit) {
    odd = d.Xor(odd, Compare(d, LowHalf(0), Relation::kAnyBit, 1u << bit));
  }
  EXPECT_EQ(ListCases(d, d.Ite(odd, kAllow, kDeny)), std::nullopt);
  EXPECT_EQ(ListCases(d, Diagram::kLost), std::nullopt);
}

// Whatever is listed says exactly what the diagram does.
TEST(ListCases, IsExact) {
  constexpr std::uint64_t kSeed = 51;
  bpf::RandomPrograms random(kSeed);
  int listed = 0;
  for (int round = 0; round < 600; ++round) {
    const bpf::Program program =
        random.Accepted({.size = 4 + random.Below(16), .hard = false, .return_a = false});
    Diagram diagram;
    const Ref meaning = MeaningOf(diagram, program, false);
    const auto archs = Split(diagram, meaning, Word::kArch);
    if (!archs) continue;
    for (const Span& arch : *archs) {
      const auto numbers = Split(diagram, arch.value, Word::kNr);
      if (!numbers) continue;
      for (const Span& number : *numbers) {
        const auto cases = ListCases(diagram, number.value);
        if (!cases) continue;
        ++listed;
        ASSERT_TRUE(cases->back().tests.empty());
        for (int point = 0; point < 20; ++point) {
          bpf::SeccompData data = random.DataFor(program, false);
          data.arch = point % 2 == 0 ? arch.first : arch.last;
          data.nr = point % 3 == 0 ? number.first : number.last;
          const auto holds = std::ranges::find_if(*cases, [&](const Case& one) {
            return std::ranges::all_of(one.tests,
                                       [&](const WordTest& test) { return Holds(test, data); });
          });
          ASSERT_EQ(holds->terminal, diagram.Follow(meaning, data))
              << "seed " << kSeed << ", round " << round;
        }
      }
    }
  }
  EXPECT_GT(listed, 400);
}

}  // namespace
}  // namespace bailey::verify
