#include "bpf/constant.h"

#include <gtest/gtest.h>

#include "bpf/interpreter.h"
#include "bpf/random_program.h"

namespace bailey::bpf {
namespace {

constexpr Instruction kAllow = {kReturn, 0, 0, 0x7fff0000};
constexpr Instruction kDeny = {kReturn, 0, 0, 0x00050001};

TEST(IsConstantAllow, UnderstandsWhatTheKernelDoes) {
  struct Row {
    std::string sentence;
    std::vector<Instruction> instructions;
    bool want;  // for number 5 of architecture 7
  };
  const std::vector<Row> rows = {
      {"a plain allow", {kAllow}, true},
      {"allow with data", {{kReturn, 0, 0, 0x7fff0001}}, false},
      {"an errno", {kDeny}, false},
      {"number and architecture",
       {{kLoadAbs, 0, 0, 4}, {kJeq, 0, 2, 7}, {kLoadAbs, 0, 0, 0}, {kJeq, 1, 0, 5}, kDeny, kAllow},
       true},
      {"every test",
       {{kLoadAbs, 0, 0, 0},
        {kJge, 0, 4, 5},
        {kJgt, 3, 0, 5},
        {kJset, 0, 2, 4},
        {kJump, 0, 0, 0},
        kAllow,
        kDeny},
       true},
      {"a mask", {{kLoadAbs, 0, 0, 0}, {kAnd, 0, 0, 4}, {kJeq, 0, 1, 4}, kAllow, kDeny}, true},
      {"an argument", {{kLoadAbs, 0, 0, 16}, kAllow}, false},
      {"an argument on another way",
       {{kLoadAbs, 0, 0, 0}, {kJeq, 1, 0, 5}, {kLoadAbs, 0, 0, 16}, kAllow},
       true},
      {"a subtraction", {{kLoadAbs, 0, 0, 0}, {kSub, 0, 0, 0}, kAllow}, false},
      {"a copy", {{kTax, 0, 0, 0}, kAllow}, false},
      {"a test against X", {{kJeq | kX, 0, 0, 0}, kAllow}, false},
      {"a return of A", {{kLoadImm, 0, 0, 0x7fff0000}, {kReturnA, 0, 0, 0}}, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(IsConstantAllow(*Validate(row.instructions), 7, 5), row.want) << row.sentence;
  }
}

TEST(IsConstantAllow, NeverPromisesWhatTheFilterDoesNotAllow) {
  constexpr std::uint64_t kSeed = 5;
  RandomPrograms random(kSeed);
  int promised = 0;
  for (int round = 0; round < 3000; ++round) {
    const Program program = random.Accepted({.size = 6, .alu = false, .memory = false});
    SeccompData data = random.DataFor(program, false);
    if (!IsConstantAllow(program, data.arch, data.nr)) continue;
    ++promised;
    EXPECT_EQ(Interpret(program, data, false).value, 0x7fff0000u) << "seed " << kSeed;
  }
  EXPECT_GT(promised, 20);
}

}  // namespace
}  // namespace bailey::bpf
