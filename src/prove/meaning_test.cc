// Compiled filters against the reading of their policy: the two share no code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "abi/syscalls.h"
#include "compile/compile.h"
#include "prove/random_policy.h"
#include "prove/reading.h"

namespace bailey::prove {
namespace {

using abi::Arch;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

// One architecture alone, each; the three of x86; everything of one byte order.
std::vector<std::vector<Arch>> Sets() {
  std::vector<std::vector<Arch>> sets;
  std::vector<Arch> little, big;
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    sets.push_back({info.arch});
    (info.big_endian ? big : little).push_back(info.arch);
  }
  sets.push_back({Arch::kX86_64, Arch::kI386, Arch::kX32});
  sets.push_back({Arch::kX86_64, Arch::kI386});
  sets.push_back({Arch::kX32, Arch::kX86_64});
  sets.push_back({Arch::kAarch64, Arch::kArm});
  sets.push_back({Arch::kS390x, Arch::kS390});
  sets.push_back({Arch::kMips64, Arch::kMips, Arch::kMips64n32});
  sets.push_back(little);
  sets.push_back(big);
  return sets;
}

TEST(Meaning, RandomPoliciesCompileToWhatTheySay) {
  const std::uint64_t count = FromEnvironment("BAILEY_RANDOM_POLICIES", 2000);
  const std::uint64_t first_seed = FromEnvironment("BAILEY_SEED", std::random_device()());
  const auto sets = Sets();
  std::size_t calls = 0;
  std::size_t largest = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = first_seed + i;
    std::mt19937_64 random(seed);
    const policy::Syscalls syscalls = RandomSyscalls(random, sets[seed % sets.size()]);
    const auto program = compile::Compile(syscalls);
    ASSERT_TRUE(program) << program.error().text << "\nBAILEY_SEED=" << seed;
    std::size_t tried = 0;
    const auto same = Check(syscalls, *program, &tried);
    ASSERT_TRUE(same) << same.error().text << "\nBAILEY_SEED=" << seed;
    calls += tried;
    largest = std::max(largest, program->Size());
  }
  std::cout << count << " random policies from seed " << first_seed << ", " << calls
            << " calls, the largest filter " << largest << " instructions\n";
}

}  // namespace
}  // namespace bailey::prove
