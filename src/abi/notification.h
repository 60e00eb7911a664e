// What a filter of ours means when it hands a call to its supervisor.
//
// The kernel passes on nothing of the 16 bits beside SECCOMP_RET_USER_NOTIF (kernel/seccomp.c,
// seccomp_do_user_notification), and compares only actions where filters are stacked. So they can
// hold what the supervisor will answer: it interprets the filter once more, on the call that it
// was told of. An errno stands for itself, 0xffff for letting the call go on, and 0 is a notify
// that a policy asked for by name: nobody listens, which the kernel answers with ENOSYS.
//
//   Notified(Action::Errno(1))           == 0x7fc00001
//   PlainAnswer(0x7fc00001)              == 0x00050001
#pragma once

#include <cstdint>

#include "abi/action.h"

namespace bailey::abi {

inline constexpr std::uint16_t kGoesOn = 0xffff;
inline constexpr std::uint16_t kLastErrno = 4095;

// For an errno from 1 to 4095, and for allow.
constexpr std::uint32_t Notified(Action plain) {
  return static_cast<std::uint32_t>(ActionKind::kNotify) |
         (plain.kind == ActionKind::kAllow ? kGoesOn : plain.data);
}

// What a call is answered in the end, as a returned value: the supervisor's answer where the value
// is one that Notified made, and else the value itself.
constexpr std::uint32_t PlainAnswer(std::uint32_t returned) {
  if ((returned & 0xffff0000) != static_cast<std::uint32_t>(ActionKind::kNotify)) return returned;
  const std::uint16_t data = returned & 0xffff;
  if (data == kGoesOn) return static_cast<std::uint32_t>(ActionKind::kAllow);
  if (data == 0 || data > kLastErrno) return returned;
  return static_cast<std::uint32_t>(ActionKind::kErrno) | data;
}

}  // namespace bailey::abi
