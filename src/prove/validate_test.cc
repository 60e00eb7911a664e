// Validation against the slow reading: both accept what compile makes, and whatever mutant the
// reading finds to differ, validation must refuse.
#include "prove/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

#include "bpf/random_program.h"
#include "compile/compile.h"
#include "policy/load.h"
#include "prove/random_policy.h"
#include "prove/reading.h"

namespace bailey::prove {
namespace {

using abi::Arch;

policy::Syscalls Preset(std::string_view name) {
  const auto policy = policy::Load(name, {"/home/someone", "/proj"});
  if (!policy) throw std::runtime_error(policy.error().text);
  return policy->syscalls;
}

bpf::Program Compiled(const policy::Syscalls& syscalls) {
  auto program = compile::Compile(syscalls);
  if (!program) throw std::runtime_error(program.error().text);
  return *std::move(program);
}

std::uint64_t Seed() {
  const char* const text = std::getenv("BAILEY_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 0);
}

TEST(Validate, AcceptsEveryPreset) {
  for (const policy::Preset& preset : policy::Presets()) {
    const policy::Syscalls syscalls = Preset(preset.name);
    const auto same = Validate(syscalls, Compiled(syscalls));
    EXPECT_TRUE(same) << preset.name << ": " << same.error().text;
  }
}

TEST(Validate, PrintsTheCallAndBothAnswers) {
  policy::Syscalls syscalls;
  syscalls.default_action = {abi::ActionKind::kAllow, "", 0};
  syscalls.architectures = {Arch::kX86_64, Arch::kI386};
  const bpf::Program allows = Compiled(syscalls);
  policy::Rule rule;
  rule.syscall = "ioctl";
  rule.condition = *policy::ParseCondition("cmd == TIOCSTI");
  rule.answer = {abi::ActionKind::kErrno, "EPERM", 0};
  syscalls.rules.push_back(rule);
  const auto same = Validate(syscalls, allows);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, base::ErrorCode::kViolation);
  EXPECT_EQ(same.error().text,
            "compare filter with policy: for i386: ioctl(fd=0, cmd=0x5412 /* TIOCSTI */, arg=0), "
            "the filter answers allow and the policy says EPERM");
}

// A filter that compares all of the register: right for every call that a sample of plain values
// would try.
TEST(Validate, SeesTheHighHalfThatTheKernelIgnores) {
  policy::Syscalls syscalls;
  syscalls.default_action = {abi::ActionKind::kAllow, "", 0};
  syscalls.architectures = {Arch::kX86_64};
  policy::Rule rule;
  rule.syscall = "ioctl";
  rule.condition = *policy::ParseCondition("arg1.raw == TIOCSTI");
  rule.answer = {abi::ActionKind::kErrno, "EPERM", 0};
  syscalls.rules = {rule};
  const bpf::Program compares64 = Compiled(syscalls);
  syscalls.rules[0].condition = *policy::ParseCondition("cmd == TIOCSTI");
  const auto same = Validate(syscalls, compares64);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().text,
            "compare filter with policy: for x86_64: ioctl(fd=0, cmd=0x100005412 /* TIOCSTI with "
            "high bits */, arg=0), the filter answers allow and the policy says EPERM");
}

TEST(Validate, SaysThatItIsUndecidedWhenTheLimitsEndIt) {
  const policy::Syscalls syscalls = Preset("agent");
  const auto same = Validate(syscalls, Compiled(syscalls), {.nodes = 50, .steps = 100});
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(
      same.error().text,
      "compare filter with policy: undecided, the limit of 50 nodes or 100 steps was reached");
}

std::vector<std::vector<Arch>> Sets() {
  std::vector<std::vector<Arch>> sets = {{Arch::kX86_64, Arch::kI386, Arch::kX32},
                                         {Arch::kX32},
                                         {Arch::kX32, Arch::kX86_64},
                                         {Arch::kI386},
                                         {Arch::kAarch64, Arch::kArm},
                                         {Arch::kS390x, Arch::kS390},
                                         {Arch::kMips64, Arch::kMips, Arch::kMips64n32},
                                         {}};
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (!info.big_endian) sets.back().push_back(info.arch);
  }
  return sets;
}

TEST(Validate, AcceptsRandomPolicies) {
  const std::uint64_t first_seed = Seed();
  const auto sets = Sets();
  for (std::uint64_t seed = first_seed; seed < first_seed + 1000; ++seed) {
    std::mt19937_64 random(seed);
    const policy::Syscalls syscalls = RandomSyscalls(random, sets[seed % sets.size()]);
    const auto same = Validate(syscalls, Compiled(syscalls));
    ASSERT_TRUE(same) << same.error().text << "\nBAILEY_SEED=" << seed;
  }
}

// One instruction changed, as a compiler's mistake would.
std::optional<bpf::Program> Mutant(std::mt19937_64& random, const bpf::Program& program) {
  std::vector<bpf::Instruction> changed(program.Instructions().begin(),
                                        program.Instructions().end());
  bpf::Instruction& instruction = changed[random() % changed.size()];
  switch (random() % 5) {
    case 0:
      instruction.k += random() % 2 == 0 ? 1 : -1u;
      break;
    case 1:
      instruction.k ^= 1u << random() % 32;
      break;
    case 2:
      instruction.jt = static_cast<std::uint8_t>(instruction.jt + (random() % 2 == 0 ? 1 : -1));
      break;
    case 3:
      std::swap(instruction.jt, instruction.jf);
      break;
    default:
      if (bpf::IsConditionalJump(instruction.code)) {
        constexpr std::uint16_t kTests[] = {bpf::kJeq, bpf::kJgt, bpf::kJge, bpf::kJset};
        instruction.code = kTests[random() % 4];
      }
  }
  auto mutant = bpf::Validate(std::move(changed));
  if (!mutant || *mutant == program) return std::nullopt;
  return *std::move(mutant);
}

TEST(Validate, RefusesEveryMutantThatTheReadingRefuses) {
  const std::uint64_t first_seed = Seed();
  const auto sets = Sets();
  std::size_t mutants = 0, refused = 0, only_proof = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + 150; ++seed) {
    std::mt19937_64 random(seed);
    const policy::Syscalls syscalls = RandomSyscalls(random, sets[seed % (sets.size() - 1)]);
    const bpf::Program program = Compiled(syscalls);
    for (int i = 0; i < 5; ++i) {
      const auto mutant = Mutant(random, program);
      if (!mutant) continue;
      ++mutants;
      const bool same = Validate(syscalls, *mutant).has_value();
      const bool reads_same = Check(syscalls, *mutant).has_value();
      ASSERT_TRUE(reads_same || !same)
          << Check(syscalls, *mutant).error().text << "\nBAILEY_SEED=" << seed;
      refused += !same;
      only_proof += !same && reads_same;
    }
  }
  std::cout << mutants << " mutants from seed " << first_seed << ": " << refused << " refused, "
            << only_proof << " of these not found by the reading\n";
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace bailey::prove
