// What a filter returns, folded to what can matter: the kernel compares only the action when it
// picks among stacked filters, errnos end at 4095, and the data of most actions nobody reads.
// Outcomes are ordered as the kernel's precedence: the strictest is the smallest.
//
//   Outcome outcome = OutcomeOf(0x00050001);           // ERRNO, 1
//   Outcome what = EffectOf(outcome);                  // what the kernel does in the end
//   abi::Decode(ValueOf(what)) == abi::Decode(0x00050001)
#pragma once

#include <compare>
#include <cstdint>

namespace bailey::verify {

struct Outcome {
  // 0..14: the eight known actions (even numbers) and the values between them. Values between are
  // told apart no further: the kernel does not know them.
  std::uint8_t rank = 0;
  std::uint16_t data = 0;  // of TRAP, ERRNO and TRACE; else 0
  auto operator<=>(const Outcome&) const = default;
};
inline constexpr unsigned kRanks = 15;

Outcome OutcomeOf(std::uint32_t returned);
// The smallest returned value with this outcome.
std::uint32_t ValueOf(Outcome outcome);
bool IsKnownAction(Outcome outcome);
// What happens when this outcome stands: an action that the kernel does not know kills the process.
Outcome EffectOf(Outcome outcome);
// Whether all returned values from `first` to `last`, as signed numbers, have one outcome.
bool IsOneOutcome(std::uint32_t first, std::uint32_t last);

}  // namespace bailey::verify
