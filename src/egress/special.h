// Addresses that are not of the internet at large: private networks, loopback, link-local with the
// metadata services of clouds, and what the sandbox itself uses.
#pragma once

#include <span>
#include <string_view>

#include "base/address.h"

namespace bailey::egress {

struct SpecialRange {
  base::AddressRange range;
  std::string_view name;  // "a private address"
  bool grantable = true;  // an entry that lies within it opens what it says
};

std::span<const SpecialRange> SpecialRanges();

// The range that an address is in (IANA's special-purpose registries of 2025); nullptr for the
// others. IPv6 addresses that translators turn into IPv4 ones are special whatever they hold.
const SpecialRange* FindSpecial(const base::Address& address);
// The range that a whole range lies in.
const SpecialRange* FindSpecial(const base::AddressRange& range);

// What names resolve to inside: the range for benchmarks (RFC 2544) and a unique local one.
inline constexpr base::AddressRange kNames4 = {base::Address::V4(198, 18, 0, 0), 15};
inline constexpr base::AddressRange kNames6 = {
    base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 0}), 96};

}  // namespace bailey::egress
