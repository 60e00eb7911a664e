// The server's name in a TLS ClientHello (RFC 8446, RFC 6066), read from the first bytes of a
// connection, over as many records as it takes. Nothing is decrypted. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "egress/host.h"

namespace bailey::network {

struct ClientHello {
  enum class Kind : std::uint8_t {
    kIncomplete,  // so far it is one; at least `needed` bytes say more
    kNotTls,
    kNamed,      // `host`
    kNameless,   // whole, and it names no server
    kMalformed,  // begins as TLS, and then breaks its rules, or is longer than kMostBytes
  };
  static constexpr std::size_t kMostBytes = 32768;

  Kind kind = Kind::kIncomplete;
  std::size_t needed = 0;
  std::optional<egress::Host> host;
};
ClientHello ReadClientHello(std::span<const std::uint8_t> bytes);

}  // namespace bailey::network
