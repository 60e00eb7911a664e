// Where a packet goes, from its headers, as the rules inside log it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.h"
#include "egress/rule.h"

namespace bailey::network {

struct Packet {
  base::Endpoint to;
  egress::Protocol protocol = egress::Protocol::kTcp;
  bool other = false;  // neither TCP nor UDP: no port
};
std::optional<Packet> ReadPacket(std::span<const std::uint8_t> bytes);

}  // namespace bailey::network
