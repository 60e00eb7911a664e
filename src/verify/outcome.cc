#include "verify/outcome.h"

#include <algorithm>
#include <array>

#include "abi/action.h"

namespace bailey::verify {
namespace {

// The first action of each rank, as the kernel compares them: as signed numbers.
constexpr std::array<std::int32_t, kRanks> kFirst = {
    -0x8000,  // KILL_PROCESS
    -0x7fff,
    0x0000,  // KILL_THREAD
    0x0001,
    0x0003,  // TRAP
    0x0004,
    0x0005,  // ERRNO
    0x0006,
    0x7fc0,  // USER_NOTIF
    0x7fc1,
    0x7ff0,  // TRACE
    0x7ff1,
    0x7ffc,  // LOG
    0x7ffd,
    0x7fff,  // ALLOW
};

}  // namespace

Outcome OutcomeOf(std::uint32_t returned) {
  const auto action = static_cast<std::int16_t>(returned >> 16);
  const auto* behind = std::upper_bound(kFirst.begin(), kFirst.end(), action);
  const auto rank = static_cast<std::uint8_t>(behind - kFirst.begin() - 1);
  const Outcome outcome = {rank, static_cast<std::uint16_t>(returned)};
  return IsKnownAction(outcome) ? outcome : Outcome{rank, 0};
}

std::uint32_t ValueOf(Outcome outcome) {
  return (static_cast<std::uint32_t>(kFirst[outcome.rank]) << 16) | outcome.data;
}

bool IsKnownAction(Outcome outcome) { return outcome.rank % 2 == 0; }

Outcome EffectOf(Outcome outcome) { return OutcomeOf(abi::Encode(abi::Decode(ValueOf(outcome)))); }

}  // namespace bailey::verify
