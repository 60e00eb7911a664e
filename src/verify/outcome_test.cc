#include "verify/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "abi/action.h"

namespace bailey::verify {
namespace {

// Every action, with data around the limits.
std::vector<std::uint32_t> AllValues() {
  std::vector<std::uint32_t> values;
  for (std::uint32_t action = 0; action < 0x10000; ++action) {
    for (const std::uint32_t data : {0u, 1u, 4094u, 4095u, 4096u, 0xffffu}) {
      values.push_back((action << 16) | data);
    }
  }
  return values;
}

TEST(Outcome, AgreesWithDecode) {
  for (const std::uint32_t value : AllValues()) {
    const Outcome outcome = OutcomeOf(value);
    ASSERT_EQ(abi::Decode(ValueOf(EffectOf(outcome))), abi::Decode(value)) << value;
    ASSERT_EQ(OutcomeOf(ValueOf(outcome)), outcome) << value;
    ASSERT_EQ(EffectOf(EffectOf(outcome)), EffectOf(outcome)) << value;
    ASSERT_EQ(abi::Decode(value) == abi::Action::KillProcess(), EffectOf(outcome) == Outcome{})
        << value;
  }
}

TEST(Outcome, IsOrderedAsTheKernelCompares) {
  std::vector<std::uint32_t> actions;
  for (std::uint32_t action = 0; action < 0x10000; ++action) actions.push_back(action << 16);
  std::ranges::sort(
      actions, [](std::uint32_t a, std::uint32_t b) { return abi::ComparePrecedence(a, b) < 0; });
  for (std::size_t i = 1; i < actions.size(); ++i) {
    ASSERT_LE(OutcomeOf(actions[i - 1]).rank, OutcomeOf(actions[i]).rank) << actions[i];
  }
  EXPECT_EQ(OutcomeOf(actions.back()).rank, kRanks - 1);
}

TEST(Outcome, KnowsWhereOneOutcomeEnds) {
  struct Row {
    std::string sentence;
    std::uint32_t first, last;
    bool want;
  };
  for (const Row& row : std::vector<Row>{
           {"one value", 0x00050001, 0x00050001, true},
           {"two errnos", 0x00050001, 0x00050002, false},
           {"errnos past the last", 0x00050fff, 0x0005ffff, true},
           {"allow with any data", 0x7fff0000, 0x7fffffff, true},
           {"a trap's data", 0x00030000, 0x00030001, false},
           {"unknown actions", 0x00060000, 0x7fbfffff, true},
           {"unknown and known", 0x00060000, 0x7fc00000, false},
           {"across the sign", 0x7fff0000, 0x80000000, false},
           {"negative unknown actions", 0x80010000, 0xffffffff, true},
       }) {
    EXPECT_EQ(IsOneOutcome(row.first, row.last), row.want) << row.sentence;
  }
}

}  // namespace
}  // namespace bailey::verify
