// What a readiness is about, in both halves of the gateway: a kind in the low bits, and an id
// above.
#pragma once

#include <cstdint>

namespace bailey::network {

enum class Token : std::uint8_t {
  // Of the decider.
  kSupervisor,
  kWorker,
  kTrapIpv4,
  kTrapIpv6,
  kLog,
  kMaker,
  kListener,
  kDial,
  kResolver,
  // Of the worker.
  kDecider,
  kNames,
  kNamesTcp,
  kProxy,
  kDatagrams4,
  kDatagrams6,
  kProxyClient,
  kDnsStream,
  kFlow,
  // Of connections that are passed on, in either.
  kClient,
  kUpstream,
};

constexpr unsigned kTokenBits = 5;
constexpr std::uint64_t Make(Token token, std::uint64_t id = 0) {
  return id << kTokenBits | static_cast<std::uint64_t>(token);
}
constexpr Token KindOf(std::uint64_t token) {
  return static_cast<Token>(token & ((1u << kTokenBits) - 1));
}
constexpr std::uint64_t IdOf(std::uint64_t token) { return token >> kTokenBits; }

}  // namespace bailey::network
