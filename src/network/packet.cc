#include "network/packet.h"

namespace bailey::network {

std::optional<Packet> ReadPacket(std::span<const std::uint8_t> bytes) {
  constexpr std::uint8_t kTcp = 6, kUdp = 17;
  constexpr std::size_t kHeader4 = 20, kHeader6 = 40;
  if (bytes.empty()) return std::nullopt;
  const bool v6 = bytes[0] >> 4 == 6;
  if ((!v6 && bytes[0] >> 4 != 4) || bytes.size() < (v6 ? kHeader6 : kHeader4)) return std::nullopt;
  const std::size_t header = v6 ? kHeader6 : std::size_t{bytes[0] & 0x0fu} * 4;
  const std::uint8_t protocol = v6 ? bytes[6] : bytes[9];
  Packet packet;
  packet.to.address = *base::Address::FromBytes(v6 ? bytes.subspan(24, 16) : bytes.subspan(16, 4));
  packet.other = protocol != kTcp && protocol != kUdp;
  packet.protocol = protocol == kUdp ? egress::Protocol::kUdp : egress::Protocol::kTcp;
  if (packet.other) return packet;
  if (header < kHeader4 || bytes.size() < header + 4) return std::nullopt;
  packet.to.port = static_cast<std::uint16_t>(bytes[header + 2] << 8 | bytes[header + 3]);
  return packet;
}

}  // namespace bailey::network
