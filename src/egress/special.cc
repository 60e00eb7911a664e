#include "egress/special.h"

#include <array>

namespace bailey::egress {
namespace {

using base::Address;
using base::AddressRange;

constexpr AddressRange V6(std::array<std::uint16_t, 8> words, unsigned length) {
  return {Address::V6(words), length};
}

constexpr std::string_view kPrivate = "a private address";
constexpr std::string_view kLinkLocal = "a link-local address (metadata services)";
constexpr std::string_view kReserved = "a reserved address";
constexpr std::string_view kLoopback = "the host's loopback";
constexpr std::string_view kMulticast = "a multicast address";
constexpr std::string_view kTranslated = "an address that is translated to another one";
constexpr std::string_view kOwn = "an address that bailey gives to names";

}  // namespace

std::span<const SpecialRange> SpecialRanges() {
  static const std::array<SpecialRange, 24> ranges = {{
      {kNames4, kOwn, false},
      {kNames6, kOwn, false},
      {{Address::V4(0, 0, 0, 0), 8}, kReserved, false},
      {{Address::V4(10, 0, 0, 0), 8}, kPrivate},
      {{Address::V4(100, 64, 0, 0), 10}, kPrivate},
      {{Address::V4(127, 0, 0, 0), 8}, kLoopback, false},
      {{Address::V4(169, 254, 0, 0), 16}, kLinkLocal},
      {{Address::V4(172, 16, 0, 0), 12}, kPrivate},
      {{Address::V4(192, 0, 0, 0), 24}, kReserved},
      {{Address::V4(192, 88, 99, 0), 24}, kTranslated},
      {{Address::V4(192, 168, 0, 0), 16}, kPrivate},
      {{Address::V4(224, 0, 0, 0), 4}, kMulticast, false},
      {{Address::V4(240, 0, 0, 0), 4}, kReserved, false},
      {V6({0x64, 0xff9b}, 32), kTranslated},
      // Loopback, and addresses that hold an IPv4 one.
      {V6({}, 8), kReserved, false},
      {V6({0x100}, 64), kReserved, false},
      {V6({0x2001}, 32), kTranslated, false},
      {V6({0x2001, 0x10}, 28), kReserved, false},
      {V6({0x2002}, 16), kTranslated, false},
      {V6({0x3fff}, 20), kReserved},
      {V6({0xfc00}, 7), kPrivate},
      {V6({0xfe80}, 10), kLinkLocal},
      {V6({0xfec0}, 10), kPrivate},
      {V6({0xff00}, 8), kMulticast, false},
  }};
  return ranges;
}

const SpecialRange* FindSpecial(const Address& address) {
  return FindSpecial(AddressRange{address, address.Bits()});
}

const SpecialRange* FindSpecial(const AddressRange& range) {
  for (const SpecialRange& special : SpecialRanges())
    if (special.range.Contains(range)) return &special;
  return nullptr;
}

}  // namespace bailey::egress
