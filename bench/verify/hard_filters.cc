#include "hard_filters.h"

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "abi/action.h"
#include "bpf/random_program.h"

namespace bailey::bench {
namespace {

using bpf::Instruction;

constexpr std::size_t kLargest = 4096;
constexpr std::uint32_t kAllow = 0x7fff0000;
constexpr std::uint32_t kErrno = 0x00050000;

constexpr Instruction Load(std::uint32_t word) { return {bpf::kLoadAbs, 0, 0, 4 * word}; }
constexpr Instruction Return(std::uint32_t value) { return {bpf::kReturn, 0, 0, value}; }
// Words 4..15 are the arguments' halves.
constexpr std::uint32_t ArgumentWord(std::size_t i) {
  return 4 + static_cast<std::uint32_t>(i % 12);
}

bpf::Program Checked(std::vector<Instruction> instructions) {
  auto program = bpf::Validate(std::move(instructions));
  if (program) return *std::move(program);
  std::fprintf(stderr, "bench-verify: %s\n", program.error().text.c_str());
  std::exit(1);
}

// `step(i)` again and again, as often as there is room before what `end` adds.
bpf::Program Repeat(std::vector<Instruction> begin,
                    const std::function<std::vector<Instruction>(std::size_t)>& step,
                    const std::vector<Instruction>& end) {
  std::vector<Instruction> all = std::move(begin);
  for (std::size_t i = 0;; ++i) {
    const std::vector<Instruction> next = step(i);
    if (all.size() + next.size() + end.size() > kLargest) break;
    all.insert(all.end(), next.begin(), next.end());
  }
  all.insert(all.end(), end.begin(), end.end());
  return Checked(std::move(all));
}

// One number after the other, as libseccomp writes filters, each with an answer of its own.
bpf::Program NumberChain() {
  return Repeat({Load(0)},
                [](std::size_t i) {
                  const auto k = static_cast<std::uint32_t>(i);
                  return std::vector<Instruction>{{bpf::kJeq, 0, 1, 7919 * k},
                                                  Return(kErrno | k % 4096)};
                },
                {Return(kAllow)});
}

// Each of the twelve argument words is compared in turn, with more and more numbers.
bpf::Program ArgumentChain() {
  return Repeat({},
                [](std::size_t i) {
                  const auto k = static_cast<std::uint32_t>(i);
                  return std::vector<Instruction>{Load(ArgumentWord(i)),
                                                  {bpf::kJeq, 0, 1, 2654435761u * k},
                                                  Return(kErrno | k % 4096)};
                },
                {Return(kAllow)});
}

// Bits of all arguments are counted: two ways at each of a thousand places.
bpf::Program CountBits() {
  return Repeat({{bpf::kLoadXImm, 0, 0, 0}},
                [](std::size_t i) {
                  return std::vector<Instruction>{
                      Load(ArgumentWord(i)), {bpf::kJset, 0, 2, 1u << (i / 12 % 32)},
                      {bpf::kTxa, 0, 0, 0},  {bpf::kAdd, 0, 0, 1},
                      {bpf::kJump, 0, 0, 0},
                  };
                },
                {{bpf::kTxa, 0, 0, 0}, {bpf::kJge, 0, 1, 190}, Return(kErrno | 1), Return(kAllow)});
}

// The same with the count kept: each way that is taken is remembered to the end.
bpf::Program CountBitsInMemory() {
  return Repeat(
      {{bpf::kLoadImm, 0, 0, 0}, {bpf::kStore, 0, 0, 0}},
      [](std::size_t i) {
        return std::vector<Instruction>{Load(ArgumentWord(i)),
                                        {bpf::kJset, 0, 3, 1u << (i / 12 % 32)},
                                        {bpf::kLoadMem, 0, 0, 0},
                                        {bpf::kAdd, 0, 0, 1},
                                        {bpf::kStore, 0, 0, 0}};
      },
      {{bpf::kLoadMem, 0, 0, 0}, {bpf::kJge, 0, 1, 190}, Return(kErrno | 1), Return(kAllow)});
}

// 2^1000 ways that end alike but for the last.
bpf::Program ManyWays() {
  return Repeat({},
                [](std::size_t i) {
                  return std::vector<Instruction>{Load(ArgumentWord(i)),
                                                  {bpf::kJset, 0, 1, 1u << (i % 32)},
                                                  Load(ArgumentWord(i + 5)),
                                                  {bpf::kJgt, 0, 0, static_cast<std::uint32_t>(i)}};
                },
                {{bpf::kJeq, 0, 1, 77}, Return(kErrno | 1), Return(kAllow)});
}

bpf::Program Sum() {
  return Repeat({{bpf::kLoadImm, 0, 0, 0}, {bpf::kTax, 0, 0, 0}},
                [](std::size_t i) {
                  return std::vector<Instruction>{
                      Load(ArgumentWord(i)), {bpf::kAdd | bpf::kX, 0, 0, 0}, {bpf::kTax, 0, 0, 0}};
                },
                {{bpf::kJeq, 0, 1, 12345}, Return(kErrno | 1), Return(kAllow)});
}

bpf::Program SumReturned() {
  return Repeat({{bpf::kLoadImm, 0, 0, 0}, {bpf::kTax, 0, 0, 0}},
                [](std::size_t i) {
                  return std::vector<Instruction>{
                      Load(ArgumentWord(i)), {bpf::kXor | bpf::kX, 0, 0, 0}, {bpf::kTax, 0, 0, 0}};
                },
                {{bpf::kReturnA, 0, 0, 0}});
}

// Rounds of a hash of two words.
bpf::Program Hash() {
  return Repeat({Load(4), {bpf::kTax, 0, 0, 0}, Load(6)},
                [](std::size_t) {
                  return std::vector<Instruction>{
                      {bpf::kMul, 0, 0, 2654435761u}, {bpf::kXor | bpf::kX, 0, 0, 0},
                      {bpf::kStore, 0, 0, 0},         {bpf::kRsh, 0, 0, 15},
                      {bpf::kTax, 0, 0, 0},           {bpf::kLoadMem, 0, 0, 0},
                      {bpf::kAdd | bpf::kX, 0, 0, 0}};
                },
                {{bpf::kJeq, 0, 1, 0xbadcafe}, Return(kErrno | 1), Return(kAllow)});
}

bpf::Program Arithmetic(std::uint16_t operation) {
  return Repeat({Load(4), {bpf::kTax, 0, 0, 0}, Load(6)},
                [&](std::size_t i) {
                  return std::vector<Instruction>{
                      {static_cast<std::uint16_t>(operation | bpf::kX), 0, 0, 0},
                      {bpf::kStore, 0, 0, 0},
                      Load(ArgumentWord(i)),
                      {bpf::kTax, 0, 0, 0},
                      {bpf::kLoadMem, 0, 0, 0}};
                },
                {{bpf::kJeq, 0, 1, 42}, Return(kErrno | 1), Return(kAllow)});
}

// Every word compared with every other.
bpf::Program Relations() {
  return Repeat({},
                [](std::size_t i) {
                  return std::vector<Instruction>{
                      Load(ArgumentWord(i)),
                      {bpf::kTax, 0, 0, 0},
                      Load(ArgumentWord(i + 1 + i / 12 % 11)),
                      {bpf::kJgt | bpf::kX, 0, 1, 0},
                      Return(kErrno | static_cast<std::uint32_t>(i % 4096))};
                },
                {Return(kAllow)});
}

bpf::Program Random(std::uint64_t seed, bool hard) {
  bpf::RandomPrograms random(seed);
  return random.Accepted({.size = kLargest, .hard = hard});
}

}  // namespace

std::vector<HardFilter> HardFilters() {
  return {
      {"2047 numbers compared one after the other", NumberChain()},
      {"1365 comparisons of twelve words in turn", ArgumentChain()},
      {"2^1023 ways, nothing remembered", ManyWays()},
      {"2^818 ways, bits counted in X", CountBits()},
      {"2^818 ways, bits counted in memory", CountBitsInMemory()},
      {"twelve words added up, again and again", Sum()},
      {"the exclusive or of twelve words returned", SumReturned()},
      {"each word compared with each other word", Relations()},
      {"rounds of a hash of two words", Hash()},
      {"818 products of words", Arithmetic(bpf::kMul)},
      {"818 quotients of words", Arithmetic(bpf::kDiv)},
      {"random instructions, no products", Random(1, false)},
      {"random instructions, products of words too", Random(2, true)},
  };
}

}  // namespace bailey::bench
