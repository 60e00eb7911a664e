// Prints calls, and what a policy says about each: the slow reading's answers, for the kernel to
// be compared with.
//
//   foreign-rows POLICY CALLER ARCH...
//
// for a filter of POLICY for ARCH..., and a process of architecture CALLER. A row is eight
// hexadecimal words: the number, six arguments, and what the filter is to return.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "abi/syscalls.h"
#include "policy/load.h"
#include "prove/reading.h"
#include "prove/reading_rules.h"

namespace bailey {
namespace {

using Values = std::vector<std::uint64_t>;
using Slots = std::array<Values, 6>;

constexpr std::size_t kRowsOfACondition = 40;
constexpr std::uint32_t kNumbersFromZero = 512;
// s390x reads 16 bits of register 1 (arch/s390/kernel/syscall.c, __do_syscall).
constexpr std::uint32_t kLastOnS390x = 0xffff;

std::set<std::uint32_t> Numbers(const policy::Syscalls& syscalls, const abi::ArchInfo& caller) {
  std::set<std::uint32_t> numbers;
  for (std::uint32_t number = 0; number < kNumbersFromZero; ++number) numbers.insert(number);
  const auto around = [&](std::uint32_t number) {
    numbers.insert({number - 1, number, number + 1});
  };
  for (const abi::Syscall& call : abi::Syscalls(caller.arch)) around(call.number);
  for (const policy::Rule& rule : syscalls.rules) {
    if (rule.number) around(*rule.number);
  }
  for (const std::uint32_t bit : {0x1000u, 0x40000000u, 0x80000000u, 0xc0000000u, 0u}) around(bit);
  if (caller.arch == abi::Arch::kS390x) {
    std::erase_if(numbers, [](std::uint32_t number) { return number > kLastOnS390x; });
  }
  return numbers;
}

void Collect(const prove::Question& question, Slots& slots) {
  for (const prove::Question& child : question.children) Collect(child, slots);
  if (question.kind != policy::Condition::Kind::kTest || !question.has_meaning) return;
  Values& low = slots[question.argument.low_slot];
  const std::uint64_t mask = question.mask.value_or(~0ull);
  const std::uint64_t sign = 1ull << (question.bits - 1);
  Values operands = question.operands;
  if (operands.empty()) operands.push_back(0);
  for (const std::uint64_t value : operands) {
    for (const std::uint64_t near :
         {value, value + 1, value - 1, value ^ sign, value | ~mask, value ^ mask}) {
      low.insert(low.end(), {near, near ^ 0xdeadbeef00000000, near ^ 1ull << question.bits % 64});
    }
  }
  if (question.argument.high_slot != question.argument.low_slot) {
    for (const std::uint64_t value : operands) {
      slots[question.argument.high_slot].push_back(value >> 32);
    }
  }
}

class Rows {
 public:
  Rows(const policy::Syscalls& syscalls, const abi::ArchInfo& caller)
      : syscalls_(syscalls), caller_(caller) {}

  void Print() {
    const prove::Rules rules(syscalls_);
    for (const std::uint32_t number : Numbers(syscalls_, caller_)) {
      Print(number, {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull});
      if (!rules.IsListed(caller_.arch)) continue;
      const prove::Subject subject = rules.About(caller_.arch, number);
      Slots slots;
      for (const prove::NamingRule& rule : subject.rules) {
        if (rule.question) Collect(*rule.question, slots);
      }
      if (rules.FollowsSubcalls(subject)) {
        for (std::uint64_t selector = 0; selector < 26; ++selector) slots[0].push_back(selector);
      }
      Sample(number, slots);
    }
  }

 private:
  // Every value once, while there is room, beside random ones of the other arguments.
  void Sample(std::uint32_t number, Slots& slots) {
    std::size_t longest = 0;
    for (Values& values : slots) {
      std::ranges::shuffle(values, random_);
      longest = std::max(longest, values.size());
    }
    std::set<std::array<std::uint64_t, 6>> tried;
    for (std::size_t i = 0; i < longest && tried.size() < kRowsOfACondition; ++i) {
      std::array<std::uint64_t, 6> args = {};
      for (std::size_t k = 0; k < args.size(); ++k) {
        args[k] = slots[k].empty() ? random_() : slots[k][i % slots[k].size()];
      }
      if (tried.insert(args).second) Print(number, args);
    }
  }

  void Print(std::uint32_t number, std::array<std::uint64_t, 6> args) const {
    if (caller_.word_bits == 32) {
      for (std::uint64_t& arg : args) arg &= 0xffffffff;
    }
    const bpf::SeccompData data = {.nr = number, .arch = caller_.token, .args = args};
    const prove::Decision decision = prove::Decide(syscalls_, data);
    fmt::print("{:x} {:x} {:x} {:x} {:x} {:x} {:x} {:x}\n", number, args[0], args[1], args[2],
               args[3], args[4], args[5], abi::Encode(decision.action));
  }

  const policy::Syscalls& syscalls_;
  const abi::ArchInfo& caller_;
  std::mt19937_64 random_;  // the same rows each time
};

int Main(const std::vector<std::string>& words) {
  if (words.size() < 3) {
    fmt::print(stderr, "usage: foreign-rows POLICY CALLER ARCH...\n");
    return 2;
  }
  const auto caller = abi::FindArch(words[1]);
  if (!caller) {
    fmt::print(stderr, "foreign-rows: find {}: unknown architecture\n", words[1]);
    return 2;
  }
  const policy::Context context = {.home = "/root", .current_directory = "/"};
  const auto policy =
      policy::Load(words[0], context, {.architectures = {words.begin() + 2, words.end()}});
  if (!policy) {
    fmt::print(stderr, "foreign-rows: {}\n", base::ToString(policy.error()));
    return 2;
  }
  Rows(policy->syscalls, abi::Info(*caller)).Print();
  return std::fflush(stdout) == 0 ? 0 : 70;
}

}  // namespace
}  // namespace bailey

int main(int argc, char** argv) { return bailey::Main({argv + 1, argv + argc}); }
