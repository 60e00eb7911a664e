#include "network/probe.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "network/families.h"
#include "os/events.h"
#include "os/inet.h"

namespace bailey::network {
namespace {

constexpr std::chrono::seconds kPatience{30};
// Longer than the gateway gives those who route: it knows what was wrong.
constexpr std::chrono::seconds kRoutePatience{60};
constexpr std::chrono::milliseconds kRouteWait{2};
constexpr std::array<std::string_view, 7> kNames = {
    "resolve a name that the gateway has",
    "resolve a name that nothing allows",
    "connect to the gateway over IPv4",
    "connect to the gateway over IPv6",
    "connect to an IPv4 address that nothing allows",
    "connect to an IPv6 address that nothing allows",
    "send UDP to an address that nothing allows"};

using Buffer = std::array<std::uint8_t, 512>;

// A question for an A record.
std::size_t WriteQuestion(std::string_view name, Buffer& buffer) {
  constexpr std::array<std::uint8_t, 12> kHeader = {'b', 'y', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  std::ranges::copy(kHeader, buffer.begin());
  std::size_t at = kHeader.size();
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    buffer[at++] = static_cast<std::uint8_t>(label.size());
    for (const char c : label) buffer[at++] = static_cast<std::uint8_t>(c);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  constexpr std::array<std::uint8_t, 5> kEnd = {0, 0, 1, 0, 1};  // root, A, internet
  for (const std::uint8_t byte : kEnd) buffer[at++] = byte;
  return at;
}

os::SysResult<std::size_t> ReadInTime(int socket, Buffer& buffer) {
  if (const auto ready = os::AwaitReadable(socket, kPatience); !ready)
    return std::unexpected(ready.error());
  return os::Read(socket, buffer);
}

os::SysResult<base::UniqueFd> BeginToResolve(std::string_view name) {
  auto socket = os::Connect(os::Transport::kUdp, {kOwn4, kResolverPort});
  if (!socket) return socket;
  Buffer buffer{};
  const std::size_t size = WriteQuestion(name, buffer);
  if (const auto sent = os::Write(socket->Get(), std::span(buffer).first(size)); !sent)
    return std::unexpected(sent.error());
  return socket;
}

os::SysStatus Resolved(int socket, bool wanted) {
  Buffer buffer{};
  const auto answer = ReadInTime(socket, buffer);
  if (!answer) return std::unexpected(answer.error());
  constexpr std::uint8_t kCode = 0x0f, kNoSuchName = 3;
  const auto bytes = std::span<const std::uint8_t>(buffer).first(*answer);
  if (bytes.size() < 16 || bytes[0] != 'b' || bytes[1] != 'y') return os::Fail(EPROTO);
  const std::uint8_t code = bytes[3] & kCode;
  const bool found =
      code == 0 && bytes[7] == 1 && std::ranges::equal(bytes.last(4), kProbe4.Bytes());
  if (found != wanted || (!wanted && code != kNoSuchName)) return os::Fail(EPROTO);
  return {};
}

os::SysStatus Greeted(int socket) {
  Buffer buffer{};
  const auto size = ReadInTime(socket, buffer);
  if (!size) return std::unexpected(size.error());
  if (!std::ranges::equal(std::span(buffer).first(*size), kProbeText, {}, {},
                          [](char c) { return static_cast<std::uint8_t>(c); }))
    return os::Fail(EPROTO);
  return {};
}

os::SysStatus IsRefused(const base::Endpoint& to) {
  const auto socket = os::Connect(os::Transport::kTcp, to);
  int error = socket ? 0 : socket.error().value;
  if (socket) {
    Buffer buffer{};
    const auto size = ReadInTime(socket->Get(), buffer);
    error = size ? 0 : size.error().value;
  }
  if (error == ECONNREFUSED) return {};
  return os::Fail(error == 0 ? EPROTO : error);
}

os::SysStatus IsUdpRefused(const base::Endpoint& to) {
  const auto socket = os::Connect(os::Transport::kUdp, to);
  if (!socket) return std::unexpected(socket.error());
  constexpr std::array<std::uint8_t, 1> kByte = {0};
  const auto sent = os::Write(socket->Get(), kByte);
  if (!sent && sent.error().value == EPERM) return {};
  return os::Fail(sent ? EPROTO : sent.error().value);
}

// Before the way out is there, no address can be reached.
template <class F>
os::SysStatus OnceRouted(F probe) {
  const auto deadline = std::chrono::steady_clock::now() + kRoutePatience;
  for (;;) {
    const os::SysStatus done = probe();
    if (done || done.error().value != ENETUNREACH || std::chrono::steady_clock::now() > deadline)
      return done;
    (void)os::WaitReady({}, std::chrono::steady_clock::now() + kRouteWait);  // only waits
  }
}

// Of those that no policy can allow.
std::vector<base::Endpoint> RefusedProbesOf(const Nat& nat) {
  constexpr std::uint16_t kDiscard = 9;
  std::vector<base::Endpoint> refused;
  if (nat.ipv4) refused.push_back({base::Address::V4(198, 19, 255, 255), kDiscard});
  if (nat.ipv6) refused.push_back({kOwn6.Plus(3), kDiscard});
  return refused;
}

}  // namespace

std::vector<base::Endpoint> RefusedProbes(const Plan& plan) {
  if (plan.nat) return RefusedProbesOf(*plan.nat);
  constexpr std::uint16_t kDiscard = 9;
  const egress::Egress& egress = plan.policy.egress;
  // For documentation (RFC 5737, RFC 3849); where a policy allows these, addresses that no name has
  // and no policy can allow.
  const auto choose = [&](const char* first, const base::Address& second,
                          egress::Protocol protocol) {
    const auto address = *base::ParseAddress(first);
    const bool allowed = egress.Decide(address, kDiscard, protocol).allowed;
    return base::Endpoint{allowed ? second : address, kDiscard};
  };
  std::vector<base::Endpoint> refused = {
      choose("192.0.2.1", base::Address::V4(198, 19, 255, 255), egress::Protocol::kTcp),
      choose("192.0.2.2", base::Address::V4(198, 19, 255, 254), egress::Protocol::kUdp)};
  if (HasIpv6(plan))
    refused.push_back(choose("2001:db8::1", kOwn6.Plus(2), egress::Protocol::kTcp));
  return refused;
}

bool ProbesIpv6(const std::vector<base::Endpoint>& refused) { return refused.size() > 2; }

std::string_view ProbeName(unsigned index) {
  return index < kNames.size() ? kNames[index] : "probe the network";
}

os::SysStatus Probe(const std::vector<base::Endpoint>& refused, unsigned& failed) {
  failed = 0;
  const bool ipv6 = ProbesIpv6(refused);
  os::SysStatus done;
  const auto then = [&](unsigned index, auto act) {
    if (!done) return;
    failed = index;
    done = act();
  };
  // The gateway answers what is asked first while the rest is tried.
  std::array<base::UniqueFd, 4> asked;
  const auto begin = [&](unsigned index, os::SysResult<base::UniqueFd> socket) {
    then(index, [&] {
      if (!socket) return os::SysStatus(std::unexpected(socket.error()));
      asked[index] = *std::move(socket);
      return os::SysStatus();
    });
  };
  begin(0, BeginToResolve(kProbeName));
  begin(1, BeginToResolve(kRefusedProbeName));
  begin(2, os::Connect(os::Transport::kTcp, {kProbe4, kProbePort}));
  if (ipv6) begin(3, os::Connect(os::Transport::kTcp, {kProbe6, kProbePort}));
  then(4, [&] { return IsRefused(refused[0]); });
  if (ipv6) then(5, [&] { return IsRefused(refused[2]); });
  then(6, [&] { return IsUdpRefused(refused[1]); });
  then(0, [&] { return Resolved(asked[0].Get(), true); });
  then(1, [&] { return Resolved(asked[1].Get(), false); });
  then(2, [&] { return Greeted(asked[2].Get()); });
  if (ipv6) then(3, [&] { return Greeted(asked[3].Get()); });
  return done;
}

os::SysStatus ProbeRouted(const std::vector<base::Endpoint>& refused, unsigned& failed) {
  constexpr unsigned kTcp4 = 4, kTcp6 = 5, kUdp = 6;
  for (const base::Endpoint& to : refused) {
    failed = to.address.IsV6() ? kTcp6 : kTcp4;
    if (const auto done = OnceRouted([&] { return IsRefused(to); }); !done) return done;
    failed = kUdp;
    if (const auto done = OnceRouted([&] { return IsUdpRefused(to); }); !done) return done;
  }
  return {};
}

}  // namespace bailey::network
