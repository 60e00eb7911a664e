#include "network/inbound.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/address.h"
#include "os/channel.h"
#include "os/confine.h"
#include "os/events.h"
#include "os/inet.h"
#include "os/network.h"
#include "os/process.h"

namespace bailey::network {
namespace {

constexpr std::array<std::uint8_t, 1> kAsked = {'s'};
constexpr base::Address kLoopback = base::Address::V4(127, 0, 0, 1);

// The way into the network that a socket is of: the user namespace above it first, which gives this
// process the right to enter. An unprivileged owner has no other.
os::SysStatus EnterNetworkOf(int socket) {
  const auto network = os::NetworkNamespaceOf(socket);
  if (!network) return std::unexpected(network.error());
  const auto user = os::UserNamespaceOf(network->Get());
  if (!user) return std::unexpected(user.error());
  if (const auto done = os::JoinNamespace(user->Get(), os::kUserNamespace); !done) return done;
  return os::JoinNamespace(network->Get(), os::kNetworkNamespace);
}

// Answers every message with a socket, until nobody is left to ask.
[[noreturn]] void MakeSockets(base::UniqueFd channel, int inside, bool landlock) {
  const std::array<int, 1> kept = {channel.Get()};
  const std::array<os::Interest, 1> interest = {os::Interest{channel.Get()}};
  const bool ready = EnterNetworkOf(inside) && os::DieWithParent() && os::CloseAllBut(kept) &&
                     os::Confine(landlock) && os::SendMessage(channel.Get(), kAsked);
  if (!ready) os::Exit(1);
  for (;;) {
    std::array<std::uint8_t, 16> buffer{};
    const auto asked = os::ReceiveMessage(channel.Get(), buffer);
    if (!asked && asked.error().value == EAGAIN) {
      if (!os::WaitReady(interest, std::nullopt)) os::Exit(1);
      continue;
    }
    if (!asked || asked->size == 0) os::Exit(0);
    // Without one the answer is empty, and that connection ends.
    const auto socket = os::UnconnectedSocket(os::Transport::kTcp, false);
    const std::array<int, 1> made = {socket ? socket->Get() : -1};
    if (!os::SendMessage(channel.Get(), kAsked, std::span(made).first(socket ? 1 : 0))) os::Exit(1);
  }
}

}  // namespace

base::Result<Inbound> Inbound::Start(const std::vector<std::uint16_t>& ports, const InwardTo& to,
                                     int inside, bool landlock) {
  Inbound inbound;
  if (ports.empty()) return inbound;
  inbound.ports_ = ports;
  inbound.to_ = to;
  for (const std::uint16_t port : ports) {
    auto listener = os::BindSocket(os::Transport::kTcp, {kLoopback, port});
    if (!listener) {
      return base::SystemError(
          fmt::format("listen for the sandbox: 127.0.0.1:{} of the host", port),
          listener.error().value);
    }
    inbound.listeners_.push_back(*std::move(listener));
  }
  auto pair = os::ChannelPair();
  if (!pair) return base::SystemError("listen for the sandbox", pair.error().value);
  auto child = os::Fork(0);
  if (!child) return base::SystemError("listen for the sandbox", child.error().value);
  if (child->pid == 0) MakeSockets(std::move((*pair)[1]), inside, landlock);
  (*pair)[1].Reset();
  inbound.maker_ = std::move((*pair)[0]);
  const std::array<os::Interest, 1> interest = {os::Interest{inbound.maker_.Get()}};
  std::array<std::uint8_t, 16> buffer{};
  if (const auto ready = os::WaitReady(interest, std::nullopt); !ready)
    return base::SystemError("listen for the sandbox", ready.error().value);
  const auto said = os::ReceiveMessage(inbound.maker_.Get(), buffer);
  if (!said || said->size == 0)
    return base::Internal("listen for the sandbox: its network cannot be entered");
  return inbound;
}

os::SysStatus Inbound::Accept(std::size_t listener) {
  auto accepted = os::AcceptConnected(listeners_.at(listener).Get());
  if (!accepted) return std::unexpected(accepted.error());
  if (const auto asked = os::SendMessage(maker_.Get(), kAsked); !asked) return asked;
  const std::uint16_t port = ports_.at(listener);
  const auto inside =
      to_.first_port == 0 ? port : static_cast<std::uint16_t>(to_.first_port + listener);
  waiting_.push_back({std::move(accepted->socket), {}, port, {to_.address, inside}});
  return {};
}

os::SysResult<std::optional<Inbound::Connection>> Inbound::Next() {
  if (waiting_.empty()) return std::nullopt;
  std::array<std::uint8_t, 16> buffer{};
  auto answer = os::ReceiveMessage(maker_.Get(), buffer);
  if (!answer && answer.error().value == EAGAIN) return std::nullopt;
  if (!answer) return std::unexpected(answer.error());
  if (answer->size == 0) return os::Fail(EPIPE);
  Connection connection = std::move(waiting_.front());
  waiting_.pop_front();
  if (!answer->descriptors.empty() &&
      os::ConnectSocket(answer->descriptors[0].Get(), connection.to))
    connection.inside = std::move(answer->descriptors[0]);
  return connection;
}

}  // namespace bailey::network
