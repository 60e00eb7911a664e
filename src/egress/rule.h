// One entry of a list of what may be reached, or may not.
//
//   entry    = host ":" ports [ "/tcp" | "/udp" ]           without either: tcp
//   host     = name | "*." name | address | range | "[" IPv6 address or range "]"
//   ports    = number | number "-" number | "*"
//
//   packages.example.org:443    *.example.org:443    10.1.0.0/16:5432/tcp    [2001:db8::/32]:80-90
//   host.bailey:8080            (a port of the host's own loopback)
//
// "*.example.org" is every name below example.org, however deep, and not example.org itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/address.h"
#include "base/result.h"
#include "egress/host.h"

namespace bailey::egress {

enum class Protocol : std::uint8_t { kTcp, kUdp };
std::string_view ToString(Protocol protocol);

struct Ports {
  std::uint16_t low = 1, high = 65535;
  bool Contains(std::uint16_t port) const { return low <= port && port <= high; }
  auto operator<=>(const Ports&) const = default;
};
std::string ToString(const Ports& ports);

struct Name {
  Host host;
  auto operator<=>(const Name&) const = default;
};
// Names below a domain.
struct Below {
  Host domain;
  auto operator<=>(const Below&) const = default;
};

struct Rule {
  std::variant<Name, Below, base::AddressRange> target;
  Ports ports;
  Protocol protocol = Protocol::kTcp;
  auto operator<=>(const Rule&) const = default;

  bool Covers(const Host& host) const;
  bool Covers(const base::Address& address) const;
};
// The canonical text: it reads as the same rule.
std::string ToString(const Rule& rule);

enum class RuleList : std::uint8_t { kAllow, kDeny };
// Errors say what is wrong with the entry: `read "10.1.2.3/8:80": bits behind ...`. Addresses that
// nothing can open (FindSpecial) are errors in a list that allows.
base::Result<Rule> ParseRule(std::string_view text, RuleList list);

// The host's loopback as seen from inside; names below ".bailey" are nobody else's.
inline constexpr std::string_view kHostName = "host.bailey";
inline constexpr std::string_view kOwnDomain = "bailey";

}  // namespace bailey::egress
