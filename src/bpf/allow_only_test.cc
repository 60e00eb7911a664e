#include "bpf/allow_only.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <vector>

#include "abi/action.h"
#include "abi/arch.h"
#include "abi/syscalls.h"
#include "bpf/interpreter.h"

namespace bailey::bpf {
namespace {

constexpr std::uint32_t kMostNumbers = 1024;

std::vector<std::string_view> FirstCalls(std::size_t count) {
  std::vector<std::string_view> calls;
  for (const abi::Syscall& call : abi::Syscalls(abi::NativeArch()))
    if (calls.size() < count) calls.push_back(call.name);
  std::ranges::reverse(calls);  // a list is in any order
  return calls;
}

// Of every number, in as few steps as halving takes.
TEST(AllowOnly, AllowsWhatIsListedAndNothingElse) {
  const bool big = std::endian::native == std::endian::big;
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const std::uint32_t kill = abi::Encode(abi::Action::KillProcess());
  for (const std::size_t count : {0, 1, 2, 3, 4, 5, 7, 24, 127, 128}) {
    const auto calls = FirstCalls(count);
    const auto filter = AllowOnly(calls);
    ASSERT_TRUE(filter) << count;
    SeccompData data;
    data.arch = abi::Info(abi::NativeArch()).token;
    for (data.nr = 0; data.nr < kMostNumbers; ++data.nr) {
      const bool listed = std::ranges::count(calls, abi::Name(abi::NativeArch(), data.nr)) > 0;
      EXPECT_EQ(Interpret(*filter, data, big).value, listed ? allow : kill)
          << data.nr << " of " << count;
      EXPECT_LE(Path(*filter, data, big).size(), 7 + std::bit_width(count)) << data.nr;
    }
    data.nr = calls.empty() ? 0 : *abi::Number(abi::NativeArch(), calls[0]);
    ++data.arch;
    EXPECT_EQ(Interpret(*filter, data, big).value, kill) << count;
  }
}

TEST(AllowOnly, RefusesWhatJumpsCannotReach) { EXPECT_FALSE(AllowOnly(FirstCalls(129))); }

}  // namespace
}  // namespace bailey::bpf
