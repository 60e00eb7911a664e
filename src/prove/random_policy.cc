#include "prove/random_policy.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "abi/arguments.h"
#include "abi/syscalls.h"

namespace bailey::prove {
namespace {

using policy::Answer;
using policy::Comparison;
using policy::Condition;
using policy::Syscalls;

class Generator {
 public:
  Generator(std::mt19937_64& random, std::vector<abi::Arch> architectures,
            std::vector<std::string> names)
      : random_(random), architectures_(std::move(architectures)), names_(std::move(names)) {}

  Syscalls Make() {
    Syscalls syscalls;
    syscalls.architectures = architectures_;
    syscalls.default_action = RandomAnswer();
    syscalls.unknown = RandomAnswer();
    syscalls.foreign = RandomAnswer();
    if (OneIn(4)) syscalls.multiplexers = policy::Multiplexers::kOpen;
    const std::vector<std::string> names = names_.empty() ? PickNames() : names_;
    const std::size_t rules = Below(24);
    for (std::size_t i = 0; i < rules; ++i) syscalls.rules.push_back(RandomRule(names));
    return syscalls;
  }

 private:
  std::size_t Below(std::size_t limit) { return random_() % limit; }
  bool OneIn(std::size_t n) { return Below(n) == 0; }
  template <class T, std::size_t n>
  T Pick(const std::array<T, n>& from) {
    return from[Below(n)];
  }

  std::vector<std::string> PickNames() {
    // Calls with narrow arguments, register pairs, multiplexers, what they reach, swapped clone.
    constexpr std::array<std::string_view, 24> kInteresting = {
        "socket",      "socketpair", "accept",    "semop",      "semtimedop", "shmat",
        "ioctl",       "clone",      "mknod",     "chmod",      "prctl",      "personality",
        "lseek",       "pread64",    "fallocate", "socketcall", "ipc",        "mmap",
        "setpriority", "open",       "openat",    "clone3",     "bind",       "read"};
    std::vector<std::string> names;
    const std::size_t count = 1 + Below(5);
    for (std::size_t i = 0; i < count; ++i) {
      if (OneIn(4)) {
        const auto all = abi::AllNames();
        names.emplace_back(all[Below(all.size())]);
      } else {
        names.emplace_back(Pick(kInteresting));
      }
    }
    return names;
  }

  policy::Rule RandomRule(const std::vector<std::string>& names) {
    policy::Rule rule;
    if (names_.empty() && OneIn(8)) {
      constexpr std::array<std::uint32_t, 10> kNumbers = {
          0, 1, 102, 117, 512, 547, 0x40000001, 0x80000000, 0xffffffff, 4000};
      rule.arch = architectures_[Below(architectures_.size())];
      rule.number = OneIn(2) ? Pick(kNumbers) : static_cast<std::uint32_t>(Below(600));
    } else {
      rule.syscall = names[Below(names.size())];
      if (OneIn(6)) rule.arch = architectures_[Below(architectures_.size())];
    }
    rule.answer = RandomAnswer();
    if (!OneIn(4)) rule.condition = RandomCondition(rule.syscall, 2);
    return rule;
  }

  Answer RandomAnswer() {
    constexpr std::array<std::string_view, 4> kErrnos = {"EPERM", "ENOSYS", "EAFNOSUPPORT",
                                                         "EACCES"};
    constexpr std::array<abi::ActionKind, 8> kKinds = {
        abi::ActionKind::kKillProcess, abi::ActionKind::kKillThread, abi::ActionKind::kTrap,
        abi::ActionKind::kErrno,       abi::ActionKind::kNotify,     abi::ActionKind::kTrace,
        abi::ActionKind::kLog,         abi::ActionKind::kAllow};
    if (OneIn(2)) return {abi::ActionKind::kAllow, "", 0};
    if (OneIn(2)) return {abi::ActionKind::kErrno, std::string(Pick(kErrnos)), 0};
    Answer answer = {Pick(kKinds), "", 0};
    if (answer.kind == abi::ActionKind::kTrap || answer.kind == abi::ActionKind::kTrace ||
        answer.kind == abi::ActionKind::kErrno) {
      answer.data = static_cast<std::uint16_t>(Below(8));
    }
    return answer;
  }

  Condition RandomCondition(const std::string& syscall, unsigned depth) {
    Condition condition;
    const std::size_t shape = depth == 0 ? 0 : Below(6);
    if (shape < 3) {
      condition.test = RandomTest(syscall);
      return condition;
    }
    condition.kind = shape == 3   ? Condition::Kind::kAnd
                     : shape == 4 ? Condition::Kind::kOr
                                  : Condition::Kind::kNot;
    const std::size_t children = condition.kind == Condition::Kind::kNot ? 1 : 2 + Below(2);
    for (std::size_t i = 0; i < children; ++i) {
      condition.children.push_back(RandomCondition(syscall, depth - 1));
    }
    return condition;
  }

  policy::Test RandomTest(const std::string& syscall) {
    constexpr std::array<std::string_view, 9> kArguments = {
        "arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg0.raw", "arg1.raw", "arg2.raw"};
    policy::Test test;
    test.argument = Pick(kArguments);
    unsigned bits = 64;
    bool is_known_everywhere = true;
    if (!syscall.empty()) {
      const abi::ArgumentList known = abi::Arguments(architectures_[0], syscall);
      if (!known.empty() && OneIn(2)) test.argument = known[Below(known.size())].name;
    }
    for (const abi::Arch arch : architectures_) {
      const auto argument = abi::FindArgument(arch, syscall, test.argument);
      is_known_everywhere = is_known_everywhere && argument.has_value();
      if (argument) bits = std::min(bits, abi::Bits(argument->type, arch));
    }
    if (!is_known_everywhere) test.argument = "arg0";
    if (!is_known_everywhere) bits = 16;

    constexpr std::array<Comparison, 8> kComparisons = {
        Comparison::kEqual,     Comparison::kNotEqual, Comparison::kLess,
        Comparison::kLessEqual, Comparison::kGreater,  Comparison::kGreaterEqual,
        Comparison::kAnyBit,    Comparison::kIn};
    test.comparison = Pick(kComparisons);
    if (OneIn(3) || test.comparison == Comparison::kAnyBit) test.mask = RandomValue(bits);
    if (test.comparison == Comparison::kAnyBit) return test;
    const std::size_t operands = test.comparison == Comparison::kIn ? 1 + Below(6) : 1;
    for (std::size_t i = 0; i < operands; ++i) test.operands.push_back(RandomValue(bits));
    return test;
  }

  // Fits in `bits` bits, as an unsigned number or as a negative one.
  policy::Value RandomValue(unsigned bits) {
    const std::uint64_t largest = bits == 64 ? ~0ull : (1ull << bits) - 1;
    constexpr std::array<std::uint64_t, 8> kNear = {0, 1, 2, 3, 4, 10, 16, 0x5412};
    std::uint64_t number = 0;
    switch (Below(6)) {
      case 0:
        number = random_() & largest;
        break;
      case 1:
        number = 1ull << Below(bits);
        break;
      case 2:
        number = largest - Below(3);
        break;
      case 3:
        number = ~0ull - Below(4);  // a small negative number
        break;
      case 4:
        number = (largest >> 1) + Below(3);
        break;
      default:
        number = Pick(kNear);
    }
    return {{{"", number}}};
  }

  std::mt19937_64& random_;
  std::vector<abi::Arch> architectures_;
  std::vector<std::string> names_;
};

}  // namespace

Syscalls RandomSyscalls(std::mt19937_64& random, std::vector<abi::Arch> architectures,
                        std::vector<std::string> names) {
  return Generator(random, std::move(architectures), std::move(names)).Make();
}

}  // namespace bailey::prove
