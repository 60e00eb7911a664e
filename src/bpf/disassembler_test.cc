#include "bpf/disassembler.h"

#include <gtest/gtest.h>

namespace bailey::bpf {
namespace {

std::string Text(std::vector<Instruction> instructions, bool big_endian = false) {
  return Disassemble(*Validate(std::move(instructions)), {.big_endian = big_endian});
}

TEST(Disassemble, NamesArchitecturesCallsAndActions) {
  EXPECT_EQ(Text({{kLoadAbs, 0, 0, 4},
                  {kJeq, 0, 5, 0xc000003e},
                  {kLoadAbs, 0, 0, 0},
                  {kJge, 3, 0, 0x40000000},
                  {kJeq, 2, 0, 59},
                  {kJeq, 1, 0, 999},
                  {kReturn, 0, 0, 0x7fff0000},
                  {kReturn, 0, 0, 0x00050001}}),
            "0000  ld    [4]                                     ; arch\n"
            "0001  jeq   #0xc000003e      true 0002  false 0007  ; x86_64\n"
            "0002  ld    [0]                                     ; nr\n"
            "0003  jge   #0x40000000      true 0007  false 0004\n"
            "0004  jeq   #0x3b            true 0007  false 0005  ; execve\n"
            "0005  jeq   #0x3e7           true 0007  false 0006\n"
            "0006  ret   #0x7fff0000                             ; allow\n"
            "0007  ret   #0x50001                                ; EPERM\n");
}

TEST(Disassemble, NamesNoCallWhereWaysDiffer) {
  EXPECT_EQ(Text({{kLoadAbs, 0, 0, 4},
                  {kJeq, 1, 0, 0xc000003e},
                  {kJeq, 0, 2, 0x40000003},
                  {kLoadAbs, 0, 0, 0},
                  {kJeq, 1, 0, 59},
                  {kReturn, 0, 0, 0x80000000},
                  {kReturn, 0, 0, 0}}),
            "0000  ld    [4]                                     ; arch\n"
            "0001  jeq   #0xc000003e      true 0003  false 0002  ; x86_64\n"
            "0002  jeq   #0x40000003      true 0003  false 0005  ; i386\n"
            "0003  ld    [0]                                     ; nr\n"
            "0004  jeq   #0x3b            true 0006  false 0005\n"
            "0005  ret   #0x80000000                             ; kill-process\n"
            "0006  ret   #0x0                                    ; kill-thread\n");
}

TEST(Disassemble, WritesEveryKindOfInstruction) {
  EXPECT_EQ(
      Text({{kLoadAbs, 0, 0, 16}, {kStore, 0, 0, 1},    {kLoadXMem, 0, 0, 1}, {kStoreX, 0, 0, 2},
            {kLoadMem, 0, 0, 2},  {kLoadLen, 0, 0, 0},  {kLoadXLen, 0, 0, 0}, {kLoadImm, 0, 0, 5},
            {kLoadXImm, 0, 0, 6}, {kTax, 0, 0, 0},      {kTxa, 0, 0, 0},      {kNeg, 0, 0, 0},
            {kAdd, 0, 0, 1},      {kSub | kX, 0, 0, 0}, {kMul, 0, 0, 1},      {kDiv, 0, 0, 2},
            {kOr, 0, 0, 1},       {kAnd, 0, 0, 1},      {kLsh, 0, 0, 1},      {kRsh, 0, 0, 1},
            {kXor, 0, 0, 1},      {kJgt | kX, 0, 0, 0}, {kJset, 0, 0, 8},     {kLoadAbs, 0, 0, 12},
            {kJump, 0, 0, 1},     {kReturn, 0, 0, 0},   {kReturnA, 0, 0, 0}}),
      "0000  ld    [16]                                    ; args[0], low half\n"
      "0001  st    M[1]\n"
      "0002  ldx   M[1]\n"
      "0003  stx   M[2]\n"
      "0004  ld    M[2]\n"
      "0005  ld    len\n"
      "0006  ldx   len\n"
      "0007  ld    #0x5\n"
      "0008  ldx   #0x6\n"
      "0009  tax\n"
      "0010  txa\n"
      "0011  neg\n"
      "0012  add   #0x1\n"
      "0013  sub   x\n"
      "0014  mul   #0x1\n"
      "0015  div   #0x2\n"
      "0016  or    #0x1\n"
      "0017  and   #0x1\n"
      "0018  lsh   #0x1\n"
      "0019  rsh   #0x1\n"
      "0020  xor   #0x1\n"
      "0021  jgt   x                true 0022  false 0022\n"
      "0022  jset  #0x8             true 0023  false 0023\n"
      "0023  ld    [12]                                    ; instruction pointer, high half\n"
      "0024  ja                     to 0026\n"
      "0025  ret   #0x0                                    ; never reached\n"
      "0026  ret   a\n");
}

TEST(Disassemble, SwapsTheHalvesOnBigEndian) {
  EXPECT_EQ(Text({{kLoadAbs, 0, 0, 60}, {kReturnA, 0, 0, 0}}, true),
            "0000  ld    [60]                                    ; args[5], low half\n"
            "0001  ret   a\n");
}

}  // namespace
}  // namespace bailey::bpf
