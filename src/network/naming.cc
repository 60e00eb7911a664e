#include "network/naming.h"

#include <algorithm>
#include <utility>

#include "network/dns.h"
#include "network/families.h"
#include "network/opening.h"
#include "network/probe.h"

namespace bailey::network {
namespace {

constexpr base::Address kLoopback4 = base::Address::V4(127, 0, 0, 1);
constexpr base::Address kLoopback6 = base::Address::V6({0, 0, 0, 0, 0, 0, 0, 1});

// No port of it is open: where an entry would not change that, the one that denies it.
std::string WhyNoPorts(const egress::Egress& egress, const egress::Host& host) {
  constexpr std::uint16_t kHttps = 443;
  std::string why = egress.Decide(host, kHttps, egress::Protocol::kTcp).why;
  const auto covers = [&](const egress::Rule& rule) { return rule.Covers(host); };
  const auto denied = std::ranges::find_if(egress.deny, covers);
  if (denied != egress.deny.end() && std::ranges::any_of(egress.allow, covers))
    why = "denied by " + egress::ToString(*denied);
  return why;
}

bool IsOwnAddress(const base::Address& address) {
  return address == kOwn4 || address == kOwn6 || address == kLoopback6 ||
         base::AddressRange{base::Address::V4(127, 0, 0, 0), 8}.Contains(address);
}

// Of the sandbox itself: its host name, and what RFC 6761 keeps for loopback.
bool IsOwnName(const egress::Host& host) {
  static const egress::Host kLocal = *egress::Host::Parse("localhost");
  return host.Text() == egress::kOwnDomain || host == kLocal || host.IsBelow(kLocal);
}

}  // namespace

Wire Naming::Answer(const Wire& wire) {
  using Question = DnsQuestion::Kind;
  using Says = DnsAnswer::Kind;
  Wire answer;
  answer.kind = WireKind::kAnswer;
  answer.id = wire.id;
  const auto say = [&](Says kind) {
    answer.verdict = static_cast<std::uint8_t>(kind);
    return answer;
  };
  const auto question = static_cast<Question>(wire.what);
  const auto address = wire.address.Get();
  if (question == Question::kPointer || address) {
    const egress::Host* name = address ? names_.Find(*address) : nullptr;
    if (!name) {
      if (address && !IsOwnAddress(*address)) TellRefused("no name here has it", *address);
      return say(Says::kNoSuchName);
    }
    answer.SetText(name->Text());
    return say(question == Question::kPointer ? Says::kPointer : Says::kEmpty);
  }
  const auto host = egress::Host::Parse(wire.Text());
  if (!host) {
    TellRefused("it is no name of a host", std::nullopt);
    return say(Says::kNoSuchName);
  }
  if (question == Question::kAddress6 && !HasIpv6(plan_) && Exists(*host)) return say(Says::kEmpty);
  if (IsOwnName(*host)) {
    if (question != Question::kAddress4 && question != Question::kAddress6)
      return say(Says::kEmpty);
    answer.address = WireAddress(question == Question::kAddress4 ? kLoopback4 : kLoopback6);
    return say(Says::kAddress);
  }
  const bool probe = host->Text() == kProbeName;
  const auto given = probe ? std::optional(NameTable::Addresses{kProbe4, kProbe6}) : Give(*host);
  if (!given) return say(Says::kNoSuchName);
  if (question != Question::kAddress4 && question != Question::kAddress6) return say(Says::kEmpty);
  answer.address = WireAddress(question == Question::kAddress4 ? given->v4 : given->v6);
  return say(Says::kAddress);
}

void Naming::TellRefused(std::string why, std::optional<base::Address> address) {
  Decision decision;
  decision.kind = Decision::Kind::kName;
  decision.address = address;
  decision.why = std::move(why);
  tell_(decision);
}

bool Naming::Exists(const egress::Host& host) {
  return IsOwnName(host) || host.Text() == kProbeName || Give(host).has_value();
}

std::optional<NameTable::Addresses> Naming::Give(const egress::Host& host) {
  const auto ports = PortsOfName(plan_, host);
  Decision decision;
  decision.kind = Decision::Kind::kName;
  decision.host = host.Text();
  if (ports.empty()) {
    decision.why = WhyNoPorts(plan_.policy.egress, host);
    // Asked by the probe, before the program starts.
    if (host.Text() != kRefusedProbeName) tell_(decision);
    return std::nullopt;
  }
  const auto given = names_.Give(host);
  if (!given || (given->first && !OpenName(netfilter_, plan_.table.name, given->addresses, ports,
                                           HasIpv6(plan_)))) {
    decision.why = given ? "its address could not be opened" : "there are 4096 names already";
    tell_(decision);
    return std::nullopt;
  }
  if (given->first) {
    decision.allowed = true;
    decision.why = "allowed at some ports";
    tell_(decision);
  }
  return given->addresses;
}

}  // namespace bailey::network
