// What a filter answers: the kernel's SECCOMP_RET_* values (include/uapi/linux/seccomp.h).
#pragma once

#include <cstdint>
#include <string>

#include "abi/arch.h"

namespace bailey::abi {

// In the kernel's order of precedence, strictest first (kernel/seccomp.c, seccomp_run_filters:
// the lowest value, read as a signed number, wins).
enum class ActionKind : std::uint32_t {
  kKillProcess = 0x80000000,
  kKillThread = 0x00000000,
  kTrap = 0x00030000,
  kErrno = 0x00050000,
  kNotify = 0x7fc00000,
  kTrace = 0x7ff00000,
  kLog = 0x7ffc0000,
  kAllow = 0x7fff0000,
};

struct Action {
  ActionKind kind = ActionKind::kKillProcess;
  std::uint16_t data = 0;  // the errno, or the data a tracer or a trap handler sees

  static Action Allow() { return {ActionKind::kAllow, 0}; }
  static Action Errno(std::uint16_t number) { return {ActionKind::kErrno, number}; }
  static Action KillProcess() { return {ActionKind::kKillProcess, 0}; }
  bool operator==(const Action&) const = default;
};

// The 32-bit value that a filter returns for this action.
std::uint32_t Encode(Action action);
// What the kernel does with a returned value: an action it does not know kills the process
// (__seccomp_filter's default branch), and errno data above 4095 is cut to 4095.
Action Decode(std::uint32_t value);
// Negative when `a` is stricter than `b`: then `a` is what the kernel does when both filters run.
int ComparePrecedence(std::uint32_t a, std::uint32_t b);

// "allow", "EPERM", "kill-process", "kill-thread", "trap", "trap(7)", "notify", "trace(1)", "log".
std::string ToString(Action action, Arch arch = NativeArch());

}  // namespace bailey::abi
