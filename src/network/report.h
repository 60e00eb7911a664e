// What the gateway tells the supervisor, in messages of one size.
#pragma once

#include <array>
#include <cstdint>

#include "network/decision.h"
#include "network/wire.h"

namespace bailey::network {

struct Report {
  enum class Kind : std::uint8_t { kReady, kFailed, kDecision };
  Kind kind = Kind::kDecision;
  std::uint8_t decision = 0;
  std::uint8_t allowed = 0, protocol = 0;
  std::uint16_t port = 0, host_size = 0, why_size = 0;
  WireAddress address;
  std::uint64_t up = 0, down = 0, count = 0;
  std::array<char, 256> host{};
  std::array<char, 512> why{};  // of kFailed and kReady: the whole text
};
Report Write(const Decision& decision);
Decision Read(const Report& report);

}  // namespace bailey::network
