#include "prove/restate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "compile/compile.h"
#include "policy/load.h"
#include "prove/random_policy.h"
#include "prove/validate.h"

namespace bailey::prove {
namespace {

using abi::Arch;

bpf::Program Compiled(const policy::Syscalls& syscalls) {
  auto program = compile::Compile(syscalls);
  if (!program) throw std::runtime_error(program.error().text);
  return *std::move(program);
}

bpf::Program Assembled(std::vector<bpf::Instruction> instructions) {
  auto program = bpf::Validate(std::move(instructions));
  if (!program) throw std::runtime_error(program.error().text);
  return *std::move(program);
}

// The filter of the text, compiled, is proved equal to the first one.
void ExpectEqualAgain(const bpf::Program& program, const std::string& text) {
  const auto policy = policy::Parse(text, "shown.toml", {"/home/someone", "/proj"});
  ASSERT_TRUE(policy) << base::ToString(policy.error()) << "\n" << text;
  const bpf::Program again = Compiled(policy->syscalls);
  EXPECT_TRUE(Validate(policy->syscalls, again));
  const auto same = Validate(policy->syscalls, program);
  EXPECT_TRUE(same) << same.error().text;
}

TEST(Restate, PresetsCompileToEqualFilters) {
  for (const policy::Preset& preset : policy::Presets()) {
    const auto policy = policy::Load(preset.name, {"/home/someone", "/proj", Arch::kX86_64});
    ASSERT_TRUE(policy);
    const bpf::Program program = Compiled(policy->syscalls);
    const auto text = Restate(program, false);
    ASSERT_TRUE(text) << preset.name << ": " << text.error().text;
    ExpectEqualAgain(program, *text);
  }
}

TEST(Restate, RandomFiltersAreSaidOrRefusedWithAReason) {
  std::mt19937_64 random(11);
  std::size_t said = 0, refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<Arch> archs = {Arch::kX86_64, Arch::kI386};
    if (i % 3 == 0) archs.push_back(Arch::kX32);
    const bpf::Program program = Compiled(RandomSyscalls(random, archs));
    const auto text = Restate(program, false);
    if (!text) {
      ++refused;
      EXPECT_EQ(text.error().code, base::ErrorCode::kUnsupported);
      EXPECT_EQ(text.error().text.find("does not mean the same"), std::string::npos);
      continue;
    }
    ++said;
    ExpectEqualAgain(program, *text);
  }
  std::cout << said << " filters said as policies, " << refused << " refused\n";
  EXPECT_GT(said, 100u);
}

constexpr std::uint32_t kAllow = 0x7fff0000, kKill = 0x80000000;

// 512 and 0x40000200 are both x32's rt_sigaction; other tools know only the second.
TEST(Restate, X32sOwnNumbersMayBeAnsweredApart) {
  constexpr std::uint32_t kEperm = 0x00050001;
  for (const bool allows_bare : {false, true}) {
    const bpf::Program program = Assembled({{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
                                            {bpf::kJeq, 0, 5, 0xc000003e},
                                            {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                                            {bpf::kJeq, 4, 0, 0x40000000},
                                            {bpf::kJeq, 3, 0, 1},
                                            {bpf::kJeq, 2, 0, allows_bare ? 512u : 0x40000200u},
                                            {bpf::kReturn, 0, 0, kEperm},
                                            {bpf::kReturn, 0, 0, kKill},
                                            {bpf::kReturn, 0, 0, kAllow}});
    const auto text = Restate(program, false);
    ASSERT_TRUE(text) << text.error().text;
    ExpectEqualAgain(program, *text);
  }
}

struct Unsayable {
  const char* description;
  std::vector<bpf::Instruction> code;
  const char* why;
};

// Of x86_64 only: the tests before the last two instructions jump to one of them.
const Unsayable kUnsayable[] = {
    {"the instruction pointer",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 0, 5, 0xc000003e},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
      {bpf::kJeq, 0, 2, 1},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetIp},
      {bpf::kJeq, 1, 0, 7},
      {bpf::kReturn, 0, 0, kAllow},
      {bpf::kReturn, 0, 0, kKill}},
     "pc 4: it loads the instruction pointer, which policies do not see (for write on x86_64)"},
    {"numbers of no table",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 0, 3, 0xc000003e},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
      {bpf::kJgt, 0, 1, 2000},
      {bpf::kReturn, 0, 0, kAllow},
      {bpf::kReturn, 0, 0, kKill}},
     "pc 3: numbers 0x0 to 0x7d0 of x86_64, which no table names, are answered kill-process, and "
     "others allow: a policy has one answer for these"},
    {"no architecture",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
      {bpf::kJeq, 0, 1, 1},
      {bpf::kReturn, 0, 0, kKill},
      {bpf::kReturn, 0, 0, kAllow}},
     "pc 0: it does not ask for the architecture, and a policy has one answer for unknown ones"},
    {"numbers of no table, by architecture",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 2, 0, 0xc000003e},
      {bpf::kJeq, 0, 2, 0x40000003},
      {bpf::kReturn, 0, 0, 0x00050001},
      {bpf::kReturn, 0, 0, kAllow},
      {bpf::kReturn, 0, 0, kKill}},
     "pc 3: numbers that no table names are answered otherwise on i386 than on x86_64"},
    {"numbers of no table, by argument",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 0, 3, 0xc000003e},
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetArgs},
      {bpf::kJeq, 0, 1, 3},
      {bpf::kReturn, 0, 0, kAllow},
      {bpf::kReturn, 0, 0, kKill}},
     "pc 2: the answer to numbers that no table names depends on arguments"},
    {"data with the answer to foreign architectures",
     {{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
      {bpf::kJeq, 0, 1, 0xc000003e},
      {bpf::kReturn, 0, 0, kAllow},
      {bpf::kReturn, 0, 0, 0x7ff00007}},
     "pc 3: the answer to unknown numbers or foreign architectures carries data, which policies "
     "can write for calls only"},
};

TEST(Restate, SaysWhyItCannot) {
  for (const Unsayable& one : kUnsayable) {
    const auto text = Restate(Assembled(one.code), false);
    ASSERT_FALSE(text) << one.description << *text;
    EXPECT_EQ(text.error().text, std::string("write filter as policy: ") + one.why)
        << one.description;
  }
}

}  // namespace
}  // namespace bailey::prove
