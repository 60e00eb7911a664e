#include "bpf/program.h"

#include <gtest/gtest.h>

namespace bailey::bpf {
namespace {

constexpr Instruction kAllow = {kReturn, 0, 0, 0x7fff0000};

struct Row {
  std::string sentence;
  std::vector<Instruction> instructions;
  std::string error;  // empty: accepted
};

TEST(Validate, SaysWhatTheKernelRefuses) {
  const std::vector<Row> rows = {
      {"one return", {kAllow}, ""},
      {"a return of A", {{kReturnA, 0, 0, 0}}, ""},
      {"nothing", {}, "check filter: it has no instructions"},
      {"too many", std::vector<Instruction>(4097, kAllow),
       "check filter: it has 4097 instructions, and the kernel takes 4096"},
      {"as many as there may be", std::vector<Instruction>(4096, kAllow), ""},
      {"no return at the end",
       {kAllow, {kLoadAbs, 0, 0, 0}},
       "check filter: pc 1: the last instruction is not a return"},
      {"a half-word load",
       {{0x28, 0, 0, 0}, kAllow},
       "check filter: pc 0: code 0x28, a half-word load, is not for seccomp"},
      {"a remainder",
       {{0x94, 0, 0, 2}, kAllow},
       "check filter: pc 0: code 0x94, a remainder, is not for seccomp"},
      {"a return of X",
       {{0x0e, 0, 0, 0}},
       "check filter: pc 0: code 0x0e, a return of X, is not for seccomp"},
      {"no such code",
       {{0x1234, 0, 0, 0}, kAllow},
       "check filter: pc 0: there is no instruction code 0x1234"},
      {"the last word", {{kLoadAbs, 0, 0, 60}, kAllow}, ""},
      {"behind the last word",
       {{kLoadAbs, 0, 0, 64}, kAllow},
       "check filter: pc 0: it loads at offset 64, which is not a multiple of 4 below 64"},
      {"between words",
       {{kLoadAbs, 0, 0, 2}, kAllow},
       "check filter: pc 0: it loads at offset 2, which is not a multiple of 4 below 64"},
      {"an ancillary load",
       {{kLoadAbs, 0, 0, 0xfffff000}, kAllow},
       "check filter: pc 0: it loads at offset 4294963200, which is not a multiple of 4 below 64"},
      {"division by zero, in code never reached",
       {kAllow, {kDiv, 0, 0, 0}, kAllow},
       "check filter: pc 1: it divides by the constant 0"},
      {"division by X", {{kDiv | kX, 0, 0, 0}, kAllow}, ""},
      {"a shift by 32",
       {{kLsh, 0, 0, 32}, kAllow},
       "check filter: pc 0: it shifts by 32, and registers have 32 bits"},
      {"a shift by 31", {{kRsh, 0, 0, 31}, kAllow}, ""},
      {"a shift by X", {{kRsh | kX, 0, 0, 99}, kAllow}, ""},
      {"memory word 16",
       {{kStore, 0, 0, 16}, kAllow},
       "check filter: pc 0: it names M[16], and there are 16 memory words"},
      {"a jump to the last instruction", {{kJump, 7, 7, 0}, kAllow}, ""},
      {"a jump past the end",
       {{kJump, 0, 0, 1}, kAllow},
       "check filter: pc 0: it jumps to pc 2, past the last one (1)"},
      {"a jump that wraps around",
       {{kJump, 0, 0, 0xffffffff}, kAllow},
       "check filter: pc 0: it jumps to pc 4294967296, past the last one (1)"},
      {"a test whose false way leaves",
       {{kJeq, 0, 1, 0}, kAllow},
       "check filter: pc 0: it jumps to pc 2, past the last one (1)"},
      {"a test whose true way leaves",
       {{kJset | kX, 200, 0, 0}, kAllow},
       "check filter: pc 0: it jumps to pc 201, past the last one (1)"},
      {"a load of a word never stored",
       {{kLoadMem, 0, 0, 3}, kAllow},
       "check filter: pc 0: it loads M[3], which is not stored on every way here"},
      {"a load of a word stored", {{kStoreX, 0, 0, 3}, {kLoadXMem, 0, 0, 3}, kAllow}, ""},
      {"stored on one way only",
       {{kJeq, 0, 1, 0}, {kStore, 0, 0, 3}, {kLoadMem, 0, 0, 3}, kAllow},
       "check filter: pc 2: it loads M[3], which is not stored on every way here"},
      {"stored on both ways",
       {{kJeq, 0, 2, 0},
        {kStore, 0, 0, 3},
        {kJump, 0, 0, 1},
        {kStoreX, 0, 0, 3},
        {kLoadMem, 0, 0, 3},
        kAllow},
       ""},
      {"a load never reached, behind a jump", {{kJump, 0, 0, 1}, {kLoadMem, 0, 0, 3}, kAllow}, ""},
      {"a load never reached, behind a return",
       {kAllow, {kLoadMem, 0, 0, 3}, kAllow},
       "check filter: pc 1: it loads M[3], which is not stored on every way here"},
  };
  for (const Row& row : rows) {
    const auto program = Validate(row.instructions);
    EXPECT_EQ(program ? "" : program.error().text, row.error) << row.sentence;
    if (!program) {
      EXPECT_EQ(program.error().code, base::ErrorCode::kInvalidInput);
    }
  }
}

TEST(Read, TakesBackWhatBytesGives) {
  const std::vector<Instruction> instructions = {
      {kLoadAbs, 0, 0, 4}, {kJeq, 0, 1, 0xc000003e}, kAllow, {kReturn, 0, 0, 0x00050001}};
  const auto program = Validate(instructions);
  ASSERT_TRUE(program);
  EXPECT_EQ(program->Bytes().size(), 32u);
  const auto again = Read(program->Bytes());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *program);
}

TEST(Read, TakesBackEitherByteOrder) {
  const auto program = Validate(
      {{kJeq, 1, 2, 0x01020304}, {kReturn, 0, 0, 5}, {kReturn, 0, 0, 6}, {kReturn, 0, 0, 7}});
  ASSERT_TRUE(program);
  for (const bool big_endian : {false, true}) {
    const auto bytes = BytesAs(*program, big_endian);
    EXPECT_EQ(bytes[big_endian ? 4 : 7], 1) << "the first byte of k";
    EXPECT_EQ(bytes[2], 1) << "jt is one byte";
    EXPECT_EQ(*ReadAs(bytes, big_endian), *program);
  }
}

TEST(Read, RefusesPartsAndExcess) {
  EXPECT_EQ(Read(std::vector<std::uint8_t>(13)).error().text,
            "read filter: 13 bytes are not a whole number of instructions of 8 bytes");
  EXPECT_EQ(Read(std::vector<std::uint8_t>(8 * 4097)).error().text,
            "read filter: it has 4097 instructions, and the kernel takes 4096");
  EXPECT_EQ(Read({}).error().text, "check filter: it has no instructions");
}

}  // namespace
}  // namespace bailey::bpf
