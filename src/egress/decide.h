// Who may reach what: a pure function of the rules and the question. The name service, the rules in
// the kernel, the gateway and the proxies all ask here.
//
//   const Egress egress{.allow = {*ParseRule("*.example.org:443", RuleList::kAllow)}};
//   egress.Decide(*Host::Parse("a.example.org"), 443, Protocol::kTcp)
//       // {allowed, "*.example.org:443"}
//   egress.Decide(*base::ParseAddress("192.0.2.1"), 443, Protocol::kTcp)
//       // {refused, "no entry allows it"}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "egress/host.h"
#include "egress/rule.h"

namespace bailey::egress {

struct Verdict {
  bool allowed = false;
  std::string why;  // the entry that decided, as it is written, or why none allows
  bool operator==(const Verdict&) const = default;
};

struct PortSet {
  Protocol protocol = Protocol::kTcp;
  Ports ports;
  auto operator<=>(const PortSet&) const = default;
};

struct Egress {
  std::vector<Rule> allow, deny;
  bool operator==(const Egress&) const = default;

  // Denying beats allowing.
  Verdict Decide(const Host& host, std::uint16_t port, Protocol protocol) const;
  Verdict Decide(const base::Address& address, std::uint16_t port, Protocol protocol) const;
  // Whether an allowed name may lead to this address: special ones only where an entry with the
  // address says so, so that whoever answers for a name cannot aim inside.
  Verdict DecideUpstream(const base::Address& address, std::uint16_t port, Protocol protocol) const;

  // The ports that a name can be reached at, without overlaps, in order; none: the name does not
  // resolve inside.
  std::vector<PortSet> PortsOf(const Host& host) const;
};

// The entry that would allow it, for a person to add.
std::string SuggestRule(const Host& host, std::uint16_t port, Protocol protocol);
// nullopt for addresses that no entry can open.
std::optional<std::string> SuggestRule(const base::Address& address, std::uint16_t port,
                                       Protocol protocol);

}  // namespace bailey::egress
