#include "egress/rule.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/text.h"
#include "egress/special.h"

namespace bailey::egress {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5 || text[0] == '0') return std::nullopt;
  unsigned port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (status != std::errc() || end != text.data() + text.size() || port > 65535)
    return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

std::optional<Ports> ParsePorts(std::string_view text) {
  if (text == "*") return Ports{};
  const std::size_t dash = text.find('-');
  const auto low = ParsePort(text.substr(0, dash));
  if (!low) return std::nullopt;
  if (dash == std::string_view::npos) return Ports{*low, *low};
  const auto high = ParsePort(text.substr(dash + 1));
  if (!high || *high < *low) return std::nullopt;
  return Ports{*low, *high};
}

using Target = decltype(Rule::target);

base::Result<Target> ParseName(std::string_view text) {
  const bool below = text.starts_with("*.");
  const auto host = Host::Parse(below ? text.substr(2) : text);
  if (!host) {
    return base::InvalidInput(
        "its host is no name (letters, digits and hyphens; international ones as xn--...) and no "
        "address");
  }
  const auto own = *Host::Parse(kOwnDomain);
  if (host->Text() != kHostName && (*host == own || host->IsBelow(own)))
    return base::InvalidInput("of names below .bailey there is only host.bailey");
  if (below && host->Text() == kHostName)
    return base::InvalidInput("there are no names below host.bailey");
  if (below) return Target(Below{*host});
  return Target(Name{*host});
}

base::Result<Target> ParseRangeTarget(std::string_view text, RuleList list) {
  const auto range = base::ParseRange(text);
  if (!range) {
    return base::InvalidInput(
        "its address is none, or has bits behind its prefix, as in 10.1.2.3/8");
  }
  const SpecialRange* special = FindSpecial(*range);
  if (list == RuleList::kAllow && special && !special->grantable) {
    const bool loopback = special->range.Contains(base::Address::V4(127, 0, 0, 1)) ||
                          *range == *base::ParseRange("::1");
    return base::InvalidInput(
        loopback ? "inside, loopback is the sandbox's own; the host's is host.bailey"
                 : fmt::format("{} cannot be allowed", special->name));
  }
  return Target(*range);
}

// A name cannot hold what an address or a range does.
bool LooksLikeRange(std::string_view text) {
  return text.find_first_not_of("0123456789./") == std::string_view::npos || text.contains('/');
}

base::Result<Rule> ParseParts(std::string_view text, RuleList list) {
  Rule rule{base::AddressRange(), {}, Protocol::kTcp};
  if (text.ends_with("/udp")) rule.protocol = Protocol::kUdp;
  if (text.ends_with("/udp") || text.ends_with("/tcp")) text.remove_suffix(4);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']'))
    return base::InvalidInput("it has no port, as in example.org:443");
  const auto ports = ParsePorts(text.substr(colon + 1));
  if (!ports) {
    return base::InvalidInput(
        "its port is no number from 1 to 65535, no range as 8000-8010, and not *");
  }
  rule.ports = *ports;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != host.contains(':'))
    return base::InvalidInput("brackets are for IPv6, as in [2001:db8::1]:443, and needed there");
  auto target = bracketed || LooksLikeRange(host) ? ParseRangeTarget(host, list) : ParseName(host);
  if (!target) return target.error();
  rule.target = *std::move(target);
  return rule;
}

}  // namespace

std::string_view ToString(Protocol protocol) { return protocol == Protocol::kTcp ? "tcp" : "udp"; }

std::string ToString(const Ports& ports) {
  if (ports == Ports{}) return "*";
  if (ports.low == ports.high) return fmt::format("{}", ports.low);
  return fmt::format("{}-{}", ports.low, ports.high);
}

bool Rule::Covers(const Host& host) const {
  return std::visit(Overloaded{[&](const Name& name) { return name.host == host; },
                               [&](const Below& below) { return host.IsBelow(below.domain); },
                               [](const base::AddressRange&) { return false; }},
                    target);
}

bool Rule::Covers(const base::Address& address) const {
  const auto* range = std::get_if<base::AddressRange>(&target);
  return range && range->Contains(address);
}

std::string ToString(const Rule& rule) {
  const std::string host =
      std::visit(Overloaded{[](const Name& name) { return name.host.Text(); },
                            [](const Below& below) { return "*." + below.domain.Text(); },
                            [](const base::AddressRange& range) {
                              const std::string text = base::ToString(range);
                              return range.first.IsV6() ? "[" + text + "]" : text;
                            }},
                 rule.target);
  return fmt::format("{}:{}{}", host, ToString(rule.ports),
                     rule.protocol == Protocol::kUdp ? "/udp" : "");
}

base::Result<Rule> ParseRule(std::string_view text, RuleList list) {
  auto rule = ParseParts(text, list);
  if (!rule) {
    return base::InvalidInput(
        fmt::format("read \"{}\": {}", base::Escape(text), rule.error().text));
  }
  return rule;
}

}  // namespace bailey::egress
