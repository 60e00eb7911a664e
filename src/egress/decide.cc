#include "egress/decide.h"

#include <fmt/format.h>

#include <algorithm>

#include "egress/special.h"

namespace bailey::egress {
namespace {

template <class Target>
const Rule* Find(const std::vector<Rule>& rules, const Target& target, std::uint16_t port,
                 Protocol protocol) {
  const auto found = std::ranges::find_if(rules, [&](const Rule& rule) {
    return rule.protocol == protocol && rule.ports.Contains(port) && rule.Covers(target);
  });
  return found == rules.end() ? nullptr : &*found;
}

Verdict Refuse(std::string why) { return {false, std::move(why)}; }
Verdict Denied(const Rule& rule) { return Refuse("denied by " + ToString(rule)); }

// 0.0.0.0/0 says nothing about private addresses: only an entry within the special range does.
bool Grants(const Rule& rule, const SpecialRange& special) {
  const auto* range = std::get_if<base::AddressRange>(&rule.target);
  return range && special.grantable && special.range.Contains(*range);
}

std::string WhyClosed(const SpecialRange& special) {
  return fmt::format(
      fmt::runtime(special.grantable ? "{} needs an entry of its own" : "{} cannot be allowed"),
      special.name);
}

const Rule* FindGrant(const std::vector<Rule>& rules, const base::Address& address,
                      std::uint16_t port, Protocol protocol, const SpecialRange& special) {
  const auto found = std::ranges::find_if(rules, [&](const Rule& rule) {
    return rule.protocol == protocol && rule.ports.Contains(port) && rule.Covers(address) &&
           Grants(rule, special);
  });
  return found == rules.end() ? nullptr : &*found;
}

// What `all` holds beside `taken`.
std::vector<Ports> Without(const std::vector<Ports>& all, const Ports& taken) {
  std::vector<Ports> left;
  for (const Ports& ports : all) {
    if (taken.high < ports.low || ports.high < taken.low) {
      left.push_back(ports);
      continue;
    }
    if (ports.low < taken.low)
      left.push_back({ports.low, static_cast<std::uint16_t>(taken.low - 1)});
    if (taken.high < ports.high)
      left.push_back({static_cast<std::uint16_t>(taken.high + 1), ports.high});
  }
  return left;
}

}  // namespace

Verdict Egress::Decide(const Host& host, std::uint16_t port, Protocol protocol) const {
  if (const Rule* rule = Find(deny, host, port, protocol)) return Denied(*rule);
  if (const Rule* rule = Find(allow, host, port, protocol)) return {true, ToString(*rule)};
  return Refuse("no entry allows it");
}

Verdict Egress::Decide(const base::Address& address, std::uint16_t port, Protocol protocol) const {
  if (const Rule* rule = Find(deny, address, port, protocol)) return Denied(*rule);
  if (const SpecialRange* special = FindSpecial(address)) {
    const Rule* grant = FindGrant(allow, address, port, protocol, *special);
    if (grant) return {true, ToString(*grant)};
    return Refuse(WhyClosed(*special));
  }
  if (const Rule* rule = Find(allow, address, port, protocol)) return {true, ToString(*rule)};
  return Refuse("no entry allows it");
}

Verdict Egress::DecideUpstream(const base::Address& address, std::uint16_t port,
                               Protocol protocol) const {
  if (const Rule* rule = Find(deny, address, port, protocol)) return Denied(*rule);
  const SpecialRange* special = FindSpecial(address);
  if (!special) return {true, "an address of the internet"};
  const Rule* grant = FindGrant(allow, address, port, protocol, *special);
  if (grant) return {true, ToString(*grant)};
  return Refuse(
      fmt::format("the name leads to {}: {}", base::ToString(address), WhyClosed(*special)));
}

std::vector<PortSet> Egress::PortsOf(const Host& host) const {
  std::vector<PortSet> sets;
  for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp}) {
    std::vector<Ports> open;
    for (const Rule& rule : allow) {
      if (rule.protocol != protocol || !rule.Covers(host)) continue;
      std::vector<Ports> added = {rule.ports};
      for (const Ports& ports : open) added = Without(added, ports);
      open.insert(open.end(), added.begin(), added.end());
    }
    for (const Rule& rule : deny)
      if (rule.protocol == protocol && rule.Covers(host)) open = Without(open, rule.ports);
    std::ranges::sort(open);
    for (const Ports& ports : open) sets.push_back({protocol, ports});
  }
  return sets;
}

std::string SuggestRule(const Host& host, std::uint16_t port, Protocol protocol) {
  return ToString(Rule{Name{host}, {port, port}, protocol});
}

std::optional<std::string> SuggestRule(const base::Address& address, std::uint16_t port,
                                       Protocol protocol) {
  const SpecialRange* special = FindSpecial(address);
  if (port == 0 || (special && !special->grantable)) return std::nullopt;
  return ToString(Rule{base::AddressRange{address, address.Bits()}, {port, port}, protocol});
}

}  // namespace bailey::egress
