// The comparison of a filter with the reading: which calls are worth trying.
#include "prove/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <set>

#include "abi/syscalls.h"
#include "bpf/interpreter.h"
#include "prove/reading_rules.h"

namespace bailey::prove {
namespace {

using policy::Rule;

constexpr std::size_t kSlots = 6;
// Calls tried for one number before the product of all values is replaced by a sample of it.
constexpr std::size_t kMaxProduct = 1024;
constexpr std::size_t kSample = 1024;
constexpr std::uint64_t kHighHalf = 0xdeadbeef00000000;

using Values = std::vector<std::uint64_t>;
using Args = std::array<std::uint64_t, kSlots>;

// Values at which a test can change its mind, or at which a filter that reads too many or too few
// bits would.
Values BoundaryValues(const Question& test) {
  const std::uint64_t mask = test.mask.value_or(~0ull);
  const std::uint64_t sign = 1ull << (test.bits - 1);
  Values anchors = {0, ~0ull, mask, ~mask, sign, sign - 1};
  for (const std::uint64_t value : test.operands.empty() ? Values{0} : test.operands) {
    for (const std::uint64_t near : {value, value - 1, value + 1}) anchors.push_back(near);
    anchors.push_back(value ^ sign);
    anchors.push_back(value | ~mask);
    for (std::uint64_t rest = test.mask ? mask : 0; rest != 0; rest &= rest - 1) {
      anchors.push_back(value ^ (1ull << std::countr_zero(rest)));
    }
  }
  Values values = anchors;
  for (const std::uint64_t anchor : anchors) {
    values.push_back(anchor ^ kHighHalf);
    if (test.bits == 64) values.push_back(anchor ^ 1ull << 32);
    if (test.bits < 32) values.push_back(anchor ^ 0x10000);
  }
  return values;
}

class Candidates {
 public:
  Candidates(const Rules& rules, const Subject& subject) {
    for (const NamingRule& naming : subject.rules) {
      if (!naming.question) break;
      Collect(*naming.question);
    }
    if (rules.FollowsSubcalls(subject)) {
      for (std::uint64_t selector = 0; selector < 32; ++selector) {
        for (const std::uint64_t high : {0ull, 1ull << 15, 1ull << 16, 1ull << 32}) {
          slots_[0].push_back(selector | high);
        }
      }
    }
    for (Values& values : slots_) {
      if (values.empty()) values.push_back(0);
      std::ranges::sort(values);
      const auto rest = std::ranges::unique(values);
      values.erase(rest.begin(), rest.end());
    }
  }

  // Calls try(args) for each choice; stops when it returns false.
  bool ForEach(auto&& attempt) const {
    std::size_t product = 1;
    for (const Values& values : slots_) product *= std::min(values.size(), kMaxProduct + 1);
    if (product <= kMaxProduct) return Product(attempt);
    return Singles(attempt) && Sample(attempt);
  }

 private:
  void Collect(const Question& question) {
    for (const Question& child : question.children) Collect(child);
    if (question.kind != policy::Condition::Kind::kTest || !question.has_meaning) return;
    const abi::Argument& argument = question.argument;
    const bool is_pair = argument.high_slot != argument.low_slot;
    for (const std::uint64_t value : BoundaryValues(question)) {
      slots_[argument.low_slot].push_back(is_pair ? value & 0xffffffff : value);
      if (is_pair) slots_[argument.high_slot].push_back(value >> 32);
    }
  }

  bool Product(auto&& attempt) const {
    std::array<std::size_t, kSlots> at = {};
    while (true) {
      Args args;
      for (std::size_t i = 0; i < kSlots; ++i) args[i] = slots_[i][at[i]];
      if (!attempt(args)) return false;
      std::size_t i = 0;
      while (i < kSlots && ++at[i] == slots_[i].size()) at[i++] = 0;
      if (i == kSlots) return true;
    }
  }

  // Each value of each argument, beside a varying choice of the others.
  bool Singles(auto&& attempt) const {
    std::size_t turn = 0;
    for (std::size_t i = 0; i < kSlots; ++i) {
      for (const std::uint64_t value : slots_[i]) {
        Args args;
        ++turn;
        for (std::size_t k = 0; k < kSlots; ++k) args[k] = slots_[k][turn % slots_[k].size()];
        args[i] = value;
        if (!attempt(args)) return false;
      }
    }
    return true;
  }

  bool Sample(auto&& attempt) const {
    std::uint64_t state = 0x9e3779b97f4a7c15;
    for (std::size_t n = 0; n < kSample; ++n) {
      Args args;
      for (std::size_t i = 0; i < kSlots; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        args[i] = slots_[i][(state >> 33) % slots_[i].size()];
      }
      if (!attempt(args)) return false;
    }
    return true;
  }

  std::array<Values, kSlots> slots_;
};

class Comparison {
 public:
  Comparison(const policy::Syscalls& syscalls, const bpf::Program& program)
      : syscalls_(syscalls), program_(program), rules_(syscalls) {
    const abi::Arch first =
        syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures.front();
    big_endian_ = abi::Info(first).big_endian;
  }

  base::Status Run() {
    std::set<std::uint32_t> tokens = {0, 0xffffffff};
    for (const abi::ArchInfo& info : abi::AllArchs()) {
      for (const std::uint32_t token : {info.token - 1, info.token, info.token + 1}) {
        tokens.insert(token);
      }
    }
    for (const std::uint32_t token : tokens) {
      for (const std::uint32_t number : NumbersOf(token)) {
        if (!CompareNumber(token, number)) return base::Violation(difference_);
      }
    }
    return {};
  }

  std::size_t Tried() const { return tried_; }

 private:
  std::set<std::uint32_t> NumbersOf(std::uint32_t token) const;
  bool CompareNumber(std::uint32_t token, std::uint32_t number);
  bool CompareCall(const Decision& wanted, const bpf::SeccompData& data, abi::Arch arch);

  const policy::Syscalls& syscalls_;
  const bpf::Program& program_;
  const Rules rules_;
  bool big_endian_ = false;
  std::size_t tried_ = 0;
  std::string difference_;
};

std::set<std::uint32_t> Comparison::NumbersOf(std::uint32_t token) const {
  std::set<std::uint32_t> numbers;
  const auto around = [&numbers](std::uint32_t number) {
    numbers.insert({number - 1, number, number + 1});
  };
  for (const std::uint32_t bit : {0u, 0x40000000u, 0x80000000u, 0xc0000000u}) around(bit);
  bool any_listed = false;
  for (const abi::ArchInfo& info : abi::AllArchs()) {
    if (info.token != token || !rules_.IsListed(info.arch)) continue;
    any_listed = true;
    for (const abi::Syscall& call : abi::Syscalls(info.arch)) around(call.number);
  }
  if (!any_listed) return numbers;
  for (const std::uint32_t own : {abi::kX32FirstOwn, abi::kX32LastOwn}) {
    around(own);
    around(own | abi::kX32Bit);
  }
  for (std::uint32_t number = 0; number < 1024; ++number) {
    numbers.insert(number);
    if (token == abi::Info(abi::Arch::kX86_64).token) numbers.insert(number | abi::kX32Bit);
  }
  for (const Rule& rule : syscalls_.rules) {
    if (rule.number) around(*rule.number);
  }
  return numbers;
}

bool Comparison::CompareNumber(std::uint32_t token, std::uint32_t number) {
  const auto arch = ArchOf(syscalls_, token, number);
  bpf::SeccompData data = {.nr = number, .arch = token};
  if (!arch || !rules_.IsListed(*arch)) {
    const Decision foreign = rules_.Foreign(token, number);
    const abi::Arch shown = arch.value_or(abi::NativeArch());
    if (!CompareCall(foreign, data, shown)) return false;
    data.args.fill(~0ull);
    return CompareCall(foreign, data, shown);
  }
  const Subject subject = rules_.About(*arch, number);
  const auto attempt = [&](const Args& args) {
    data.args = args;
    return CompareCall(rules_.Answer(subject, data, false), data, *arch);
  };
  // What no condition looks at must not matter.
  data.instruction_pointer = ~0ull;
  Args ones;
  ones.fill(~0ull);
  return attempt(ones) && Candidates(rules_, subject).ForEach(attempt);
}

bool Comparison::CompareCall(const Decision& wanted, const bpf::SeccompData& data, abi::Arch arch) {
  ++tried_;
  const std::uint32_t value = bpf::Interpret(program_, data, big_endian_).value;
  // Decoded: of what a filter returns, some bits are nobody's business.
  const abi::Action is = abi::Decode(value);
  const abi::Action want = abi::Decode(abi::Encode(wanted.action));
  if (is == want) return true;
  const std::string_view name = NameOf(arch, data.nr);
  const std::string call =
      name.empty() ? fmt::format("number {:#x}", data.nr) : fmt::format("{} ({})", name, data.nr);
  difference_ = fmt::format(
      "compare filter with policy: for {}: {}({:#x}, {:#x}, {:#x}, {:#x}, {:#x}, {:#x}), token "
      "{:#x}, the filter answers {} and the policy says {} ({})",
      abi::Info(arch).name, call, data.args[0], data.args[1], data.args[2], data.args[3],
      data.args[4], data.args[5], data.arch, abi::ToString(is, arch), abi::ToString(want, arch),
      Decide(syscalls_, data).reason);
  return false;
}

}  // namespace

base::Status Check(const policy::Syscalls& syscalls, const bpf::Program& program,
                   std::size_t* tried) {
  Comparison comparison(syscalls, program);
  auto status = comparison.Run();
  if (tried != nullptr) *tried = comparison.Tried();
  return status;
}

}  // namespace bailey::prove
