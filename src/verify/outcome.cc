#include "verify/outcome.h"

#include <algorithm>
#include <array>

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

constexpr std::uint8_t kErrnoRank = 6;

// Whether the data of an action is seen by anybody.
bool HasData(std::uint8_t rank) {
  constexpr std::uint8_t kTrapRank = 4;
  constexpr std::uint8_t kTraceRank = 10;
  return rank == kTrapRank || rank == kErrnoRank || rank == kTraceRank;
}

}  // namespace

Outcome OutcomeOf(std::uint32_t returned) {
  constexpr std::uint16_t kLargestErrno = 4095;
  const auto action = static_cast<std::int16_t>(returned >> 16);
  const auto* behind = std::upper_bound(kFirst.begin(), kFirst.end(), action);
  const auto rank = static_cast<std::uint8_t>(behind - kFirst.begin() - 1);
  if (!HasData(rank)) return {rank, 0};
  const auto data = static_cast<std::uint16_t>(returned);
  return {rank, rank == kErrnoRank ? std::min(data, kLargestErrno) : data};
}

std::uint32_t ValueOf(Outcome outcome) {
  return (static_cast<std::uint32_t>(kFirst[outcome.rank]) << 16) | outcome.data;
}

bool IsKnownAction(Outcome outcome) { return outcome.rank % 2 == 0; }

Outcome EffectOf(Outcome outcome) { return IsKnownAction(outcome) ? outcome : Outcome{}; }

bool IsOneOutcome(std::uint32_t first, std::uint32_t last) {
  const Outcome outcome = OutcomeOf(first);
  if (first == last) return true;
  // Actions with data are one number wide, so data grows from `first` to `last` there.
  return outcome == OutcomeOf(last) && ((first ^ last) >> 31) == 0;
}

}  // namespace bailey::verify
