#include "abi/action.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace bailey::abi {
namespace {

constexpr ActionKind kStrictestFirst[] = {
    ActionKind::kKillProcess, ActionKind::kKillThread, ActionKind::kTrap, ActionKind::kErrno,
    ActionKind::kNotify,      ActionKind::kTrace,      ActionKind::kLog,  ActionKind::kAllow,
};

TEST(Action, EncodesAsTheKernelDoes) {
  const struct {
    Action action;
    std::uint32_t value;
  } kRows[] = {
      {Action::Allow(), 0x7fff0000},
      {Action::Errno(1), 0x00050001},
      {Action::Errno(4095), 0x00050fff},
      {Action::KillProcess(), 0x80000000},
      {{ActionKind::kKillThread, 0}, 0x00000000},
      {{ActionKind::kTrap, 7}, 0x00030007},
      {{ActionKind::kNotify, 0}, 0x7fc00000},
      {{ActionKind::kTrace, 0xffff}, 0x7ff0ffff},
      {{ActionKind::kLog, 0}, 0x7ffc0000},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(Encode(row.action), row.value);
    EXPECT_EQ(Decode(row.value), row.action) << row.value;
  }
}

TEST(Action, DecodesWhatTheKernelMakesOfOddValues) {
  const struct {
    std::string_view sentence;
    std::uint32_t value;
    Action action;
  } kRows[] = {
      {"errno above 4095 is cut", 0x0005ffff, Action::Errno(4095)},
      {"errno 4096 is cut", 0x00051000, Action::Errno(4095)},
      {"errno 0 is a faked success", 0x00050000, Action::Errno(0)},
      {"data of allow is ignored", 0x7fff0005, Action::Allow()},
      {"data of kill is ignored", 0x80001234, Action::KillProcess()},
      {"an unknown action kills the process", 0x00010000, Action::KillProcess()},
      {"so does the highest", 0xffffffff, Action::KillProcess()},
      {"and one above allow", 0x7ffe0000, Action::KillProcess()},
  };
  for (const auto& row : kRows) EXPECT_EQ(Decode(row.value), row.action) << row.sentence;
}

TEST(Action, PrecedenceIsTheKernels) {
  for (std::size_t a = 0; a < std::size(kStrictestFirst); ++a) {
    for (std::size_t b = 0; b < std::size(kStrictestFirst); ++b) {
      const int want = a < b ? -1 : a > b ? 1 : 0;
      EXPECT_EQ(
          ComparePrecedence(Encode({kStrictestFirst[a], 0xffff}), Encode({kStrictestFirst[b], 0})),
          want)
          << a << ' ' << b;
    }
  }
  EXPECT_EQ(ComparePrecedence(0x00050001, 0x00050002), 0) << "data does not count";
  EXPECT_LT(ComparePrecedence(0x80010000, 0x00000000), 0) << "an unknown negative action is strict";
}

TEST(Action, Prints) {
  const struct {
    Action action;
    Arch arch;
    std::string_view text;
  } kRows[] = {
      {Action::Allow(), Arch::kX86_64, "allow"},
      {Action::Errno(1), Arch::kX86_64, "EPERM"},
      {Action::Errno(38), Arch::kX86_64, "ENOSYS"},
      {Action::Errno(89), Arch::kMips, "ENOSYS"},
      {Action::Errno(251), Arch::kParisc64, "ENOSYS"},
      {Action::Errno(0), Arch::kX86_64, "errno(0)"},
      {Action::Errno(4000), Arch::kX86_64, "errno(4000)"},
      {Action::KillProcess(), Arch::kX86_64, "kill-process"},
      {{ActionKind::kKillThread, 0}, Arch::kX86_64, "kill-thread"},
      {{ActionKind::kTrap, 0}, Arch::kX86_64, "trap"},
      {{ActionKind::kTrap, 7}, Arch::kX86_64, "trap(7)"},
      {{ActionKind::kNotify, 0}, Arch::kX86_64, "notify"},
      {{ActionKind::kTrace, 1}, Arch::kX86_64, "trace(1)"},
      {{ActionKind::kLog, 0}, Arch::kX86_64, "log"},
  };
  for (const auto& row : kRows) EXPECT_EQ(ToString(row.action, row.arch), row.text);
}

}  // namespace
}  // namespace bailey::abi
