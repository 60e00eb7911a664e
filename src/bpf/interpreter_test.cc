#include "bpf/interpreter.h"

#include <gtest/gtest.h>

namespace bailey::bpf {
namespace {

Program Make(std::vector<Instruction> instructions) { return *Validate(std::move(instructions)); }

constexpr SeccompData kCall = {
    .nr = 0x11111111,
    .arch = 0x22222222,
    .instruction_pointer = 0x3333333344444444,
    .args = {0x5555555566666666, 0x7777777788888888, 7, 0, 0, 0x99999999aaaaaaaa}};

TEST(Interpret, LoadsTheWordsOfTheCall) {
  struct Row {
    std::uint32_t offset, little, big;
  };
  const std::vector<Row> rows = {
      {0, 0x11111111, 0x11111111},  {4, 0x22222222, 0x22222222},  {8, 0x44444444, 0x33333333},
      {12, 0x33333333, 0x44444444}, {16, 0x66666666, 0x55555555}, {20, 0x55555555, 0x66666666},
      {24, 0x88888888, 0x77777777}, {28, 0x77777777, 0x88888888}, {56, 0xaaaaaaaa, 0x99999999},
      {60, 0x99999999, 0xaaaaaaaa},
  };
  for (const Row& row : rows) {
    const Program program = Make({{kLoadAbs, 0, 0, row.offset}, {kReturnA, 0, 0, 0}});
    EXPECT_EQ(Interpret(program, kCall, false).value, row.little) << row.offset;
    EXPECT_EQ(Interpret(program, kCall, true).value, row.big) << row.offset;
  }
}

TEST(Path, IsEveryInstructionThatRuns) {
  const Program program = Make({{kLoadAbs, 0, 0, 0},
                                {kJeq, 1, 0, 7},
                                {kJump, 0, 0, 1},
                                {kReturn, 0, 0, 1},
                                {kReturn, 0, 0, 2}});
  using Pcs = std::vector<std::uint32_t>;
  EXPECT_EQ(Path(program, {.nr = 7}, false), (Pcs{0, 1, 3}));
  EXPECT_EQ(Path(program, {.nr = 8}, false), (Pcs{0, 1, 2, 4}));
  EXPECT_EQ(Path(program, {.nr = 8}, false).size(),
            Interpret(program, {.nr = 8}, false).instructions);
}

struct Operation {
  std::string sentence;
  std::uint16_t code;
  std::uint32_t a, operand, want;
};

// Each operation with its operand as a constant, and in X.
TEST(Interpret, Computes) {
  const std::vector<Operation> rows = {
      {"a sum wraps", kAdd, 0xffffffff, 2, 1},
      {"a difference wraps", kSub, 1, 2, 0xffffffff},
      {"a product keeps its low half", kMul, 0x10001, 0x10001, 0x20001},
      {"division is unsigned", kDiv, 0xfffffffe, 2, 0x7fffffff},
      {"or", kOr, 0xf0, 0x0f, 0xff},
      {"and", kAnd, 0xf0f0, 0xff00, 0xf000},
      {"xor", kXor, 0xff, 0x0f, 0xf0},
      {"left shift", kLsh, 0x80000001, 1, 2},
      {"right shift is logical", kRsh, 0x80000000, 31, 1},
  };
  for (const Operation& row : rows) {
    const Program with_k =
        Make({{kLoadImm, 0, 0, row.a}, {row.code, 0, 0, row.operand}, {kReturnA, 0, 0, 0}});
    const Program with_x = Make({{kLoadImm, 0, 0, row.a},
                                 {kLoadXImm, 0, 0, row.operand},
                                 {static_cast<std::uint16_t>(row.code | kX), 0, 0, 0},
                                 {kReturnA, 0, 0, 0}});
    EXPECT_EQ(Interpret(with_k, kCall, false).value, row.want) << row.sentence;
    EXPECT_EQ(Interpret(with_x, kCall, false).value, row.want) << row.sentence;
  }
}

TEST(Interpret, ShiftsByTheLowFiveBitsOfX) {
  for (const std::uint16_t code : {kLsh, kRsh}) {
    const Program program = Make({{kLoadImm, 0, 0, 0x00ff0000},
                                  {kLoadXImm, 0, 0, 0xffffff24},
                                  {static_cast<std::uint16_t>(code | kX), 0, 0, 0},
                                  {kReturnA, 0, 0, 0}});
    EXPECT_EQ(Interpret(program, kCall, false).value, code == kLsh ? 0x0ff00000u : 0x000ff000u);
  }
}

TEST(Interpret, LeavesWithZeroOnDivisionByZero) {
  const Program program = Make({{kLoadImm, 0, 0, 5}, {kDiv | kX, 0, 0, 0}, {kReturn, 0, 0, 9}});
  const auto run = Interpret(program, kCall, false);
  EXPECT_EQ(run.value, 0u);
  EXPECT_EQ(run.pc, 1u);
  EXPECT_EQ(run.instructions, 2u);
}

TEST(Interpret, Negates) {
  const Program program = Make({{kLoadImm, 0, 0, 5}, {kNeg, 0, 0, 0}, {kReturnA, 0, 0, 0}});
  EXPECT_EQ(Interpret(program, kCall, false).value, 0xfffffffb);
}

TEST(Interpret, MovesBetweenRegistersAndMemory) {
  const Program program = Make({{kLoadLen, 0, 0, 0},    // A = 64
                                {kStore, 0, 0, 15},     // M[15] = 64
                                {kTax, 0, 0, 0},        // X = 64
                                {kLoadImm, 0, 0, 1},    // A = 1
                                {kAdd | kX, 0, 0, 0},   // A = 65
                                {kTax, 0, 0, 0},        // X = 65
                                {kStoreX, 0, 0, 0},     // M[0] = 65
                                {kLoadXMem, 0, 0, 15},  // X = 64
                                {kLoadMem, 0, 0, 0},    // A = 65
                                {kMul | kX, 0, 0, 0},   // A = 4160
                                {kReturnA, 0, 0, 0}});
  EXPECT_EQ(Interpret(program, kCall, false).value, 4160u);
  EXPECT_EQ(
      Interpret(Make({{kLoadXLen, 0, 0, 0}, {kTxa, 0, 0, 0}, {kReturnA, 0, 0, 0}}), kCall, false)
          .value,
      64u);
  EXPECT_EQ(Interpret(Make({{kTxa, 0, 0, 0}, {kReturnA, 0, 0, 0}}), kCall, false).value, 0u);
}

TEST(Interpret, ComparesWithoutSign) {
  struct Comparison {
    std::uint16_t code;
    std::uint32_t a, operand;
    bool holds;
  };
  const std::vector<Comparison> rows = {
      {kJeq, 5, 5, true},
      {kJeq, 5, 6, false},
      {kJgt, 0x80000000, 1, true},
      {kJgt, 5, 5, false},
      {kJge, 5, 5, true},
      {kJge, 4, 0xffffffff, false},
      {kJset, 0x80000000, 0x80000001, true},
      {kJset, 4, 3, false},
      {kJset, 4, 0, false},
  };
  for (const Comparison& row : rows) {
    for (const std::uint16_t source : {std::uint16_t{0}, kX}) {
      const Program program =
          Make({{kLoadImm, 0, 0, row.a},
                {kLoadXImm, 0, 0, row.operand},
                {static_cast<std::uint16_t>(row.code | source), 1, 0, row.operand},
                {kReturn, 0, 0, 0},
                {kReturn, 0, 0, 1}});
      EXPECT_EQ(Interpret(program, kCall, false).value, row.holds ? 1u : 0u)
          << row.code << " " << row.a << " " << row.operand;
    }
  }
}

TEST(InterpretStack, TheStrictestActionWinsAndTheNewestOnATie) {
  struct Row {
    std::string sentence;
    std::vector<std::uint32_t> values;  // oldest first
    std::uint32_t want;
  };
  const std::vector<Row> rows = {
      {"no filter allows", {}, 0x7fff0000},
      {"allow has no data", {0x7fff0005}, 0x7fff0000},
      {"errno before allow", {0x00050001, 0x7fff0000}, 0x00050001},
      {"of two errnos the newest", {0x00050001, 0x00050002}, 0x00050002},
      {"of two errnos the newest, with allows around",
       {0x00050001, 0x00050002, 0x7fff0000},
       0x00050002},
      {"kill process is strictest", {0x80000000, 0x00000000}, 0x80000000},
      {"kill thread before trap", {0x00030000, 0x00000000}, 0x00000000},
      {"values above no action are compared as signed", {0xfffe0000, 0x80000000}, 0x80000000},
      {"trace before log", {0x7ff00001, 0x7ffc0000}, 0x7ff00001},
  };
  for (const Row& row : rows) {
    std::vector<Program> stack;
    for (const std::uint32_t value : row.values) stack.push_back(Make({{kReturn, 0, 0, value}}));
    EXPECT_EQ(InterpretStack(stack, kCall, false), row.want) << row.sentence;
  }
}

}  // namespace
}  // namespace bailey::bpf
