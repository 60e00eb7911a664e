#include "abi/action.h"

#include <fmt/format.h>

#include <algorithm>

#include "abi/constants.h"

namespace bailey::abi {
namespace {

constexpr std::uint32_t kActionMask = 0xffff0000;  // SECCOMP_RET_ACTION_FULL
constexpr std::uint32_t kDataMask = 0x0000ffff;    // SECCOMP_RET_DATA
constexpr std::uint16_t kMaxErrno = 4095;          // MAX_ERRNO, include/linux/err.h

std::string WithData(std::string_view name, std::uint16_t data) {
  return data == 0 ? std::string(name) : fmt::format("{}({})", name, data);
}

}  // namespace

std::uint32_t Encode(Action action) {
  return static_cast<std::uint32_t>(action.kind) | action.data;
}

Action Decode(std::uint32_t value) {
  const auto data = static_cast<std::uint16_t>(value & kDataMask);
  const auto kind = static_cast<ActionKind>(value & kActionMask);
  switch (kind) {
    case ActionKind::kErrno:
      return {kind, std::min(data, kMaxErrno)};
    case ActionKind::kTrap:
    case ActionKind::kTrace:
      return {kind, data};
    // Nobody ever sees the data of these.
    case ActionKind::kKillProcess:
    case ActionKind::kKillThread:
    case ActionKind::kNotify:
    case ActionKind::kLog:
    case ActionKind::kAllow:
      return {kind, 0};
  }
  return Action::KillProcess();
}

int ComparePrecedence(std::uint32_t a, std::uint32_t b) {
  const auto left = static_cast<std::int32_t>(a & kActionMask);
  const auto right = static_cast<std::int32_t>(b & kActionMask);
  return left < right ? -1 : left > right ? 1 : 0;
}

std::string ToString(Action action, Arch arch) {
  switch (action.kind) {
    case ActionKind::kKillProcess:
      return "kill-process";
    case ActionKind::kKillThread:
      return "kill-thread";
    case ActionKind::kTrap:
      return WithData("trap", action.data);
    case ActionKind::kErrno: {
      const std::string_view name = ErrnoName(arch, action.data);
      return name.empty() ? fmt::format("errno({})", action.data) : std::string(name);
    }
    case ActionKind::kNotify:
      return "notify";
    case ActionKind::kTrace:
      return WithData("trace", action.data);
    case ActionKind::kLog:
      return "log";
    case ActionKind::kAllow:
      return "allow";
  }
  return fmt::format("unknown action 0x{:08x}", static_cast<std::uint32_t>(action.kind));
}

}  // namespace bailey::abi
