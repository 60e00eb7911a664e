#include "network/decision.h"

#include <fmt/format.h>

#include <algorithm>

namespace bailey::network {

std::string_view ToString(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::kName:
      return "name";
    case Decision::Kind::kConnection:
      return "connection";
    case Decision::Kind::kDatagrams:
      return "datagrams";
    case Decision::Kind::kPacket:
      return "packet";
    case Decision::Kind::kProxy:
      return "proxy";
    case Decision::Kind::kInbound:
      return "inbound";
    case Decision::Kind::kLimit:
      return "limit";
    case Decision::Kind::kLost:
      return "lost";
  }
  return "";
}

std::string ToString(const Decision& decision) {
  if (decision.kind == Decision::Kind::kName) {
    if (!decision.host.empty()) return fmt::format("the name {}", decision.host);
    if (!decision.address) return "a name";
    return fmt::format("the name of {}", base::ToString(*decision.address));
  }
  if (decision.kind == Decision::Kind::kLimit) return "more connections";
  if (decision.kind == Decision::Kind::kInbound)
    return fmt::format("a connection to port {} inside", decision.port);
  if (decision.kind == Decision::Kind::kLost) return "what could not be told";
  std::string text = decision.host;
  const bool v6 = decision.address && decision.address->IsV6();
  if (text.empty() && decision.address)
    text = v6 ? "[" + base::ToString(*decision.address) + "]" : base::ToString(*decision.address);
  if (text.empty()) return "a request to the proxy";
  if (decision.port != 0) text += fmt::format(":{}", decision.port);
  if (decision.protocol == egress::Protocol::kUdp) text += "/udp";
  return text;
}

std::optional<std::string> Suggestion(const Decision& decision) {
  if (decision.why.starts_with("denied by")) return std::nullopt;
  std::optional<std::string> rule;
  const auto host = egress::Host::Parse(decision.host);
  if (decision.kind == Decision::Kind::kName) {
    // The port was not said yet; most who ask for a name go on to this one.
    constexpr std::uint16_t kHttps = 443;
    if (host) rule = egress::SuggestRule(*host, kHttps, egress::Protocol::kTcp);
  } else if (decision.why != "no entry allows it" && !decision.why.ends_with("entry of its own")) {
    return std::nullopt;
  } else if (host && decision.address) {
    rule = egress::SuggestRule(*decision.address, decision.port, decision.protocol);
  } else if (host && decision.port != 0) {
    rule = egress::SuggestRule(*host, decision.port, decision.protocol);
  } else if (decision.address) {
    rule = egress::SuggestRule(*decision.address, decision.port, decision.protocol);
  }
  if (!rule || !egress::ParseRule(*rule, egress::RuleList::kAllow)) return std::nullopt;
  return "--net allow:" + *rule;
}

void Refusals::Add(const Decision& decision) {
  if (decision.kind == Decision::Kind::kLost) {
    others_ += decision.count;
    return;
  }
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.decision.kind == decision.kind && entry.decision.host == decision.host &&
           entry.decision.address == decision.address && entry.decision.port == decision.port &&
           entry.decision.protocol == decision.protocol && entry.decision.why == decision.why;
  });
  if (found != entries_.end()) {
    ++found->times;
  } else if (entries_.size() < kMost) {
    entries_.push_back({decision, 1});
  } else {
    ++others_;
  }
}

}  // namespace bailey::network
