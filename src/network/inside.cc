#include "network/inside.h"

#include <array>
#include <span>
#include <utility>

#include "network/hand_out.h"
#include "network/probe.h"
#include "network/worker.h"
#include "os/channel.h"
#include "os/inet.h"
#include "os/links.h"

namespace bailey::network {
namespace {

using os::Transport;

// The order of InsideSockets.
os::SysResult<base::UniqueFd> MakeSocket(std::size_t index) {
  const os::ListenerOptions transparent{.transparent = true};
  const os::ListenerOptions trap{.transparent = true, .no_delay = true};
  switch (index) {
    case 0:
    case 2:
      return os::OpenNetlink(os::NetlinkFamily::kNetfilter);
    case 1:
      return os::OpenNetlink(os::NetlinkFamily::kRoute);
    case 3:
      return os::BindSocket(Transport::kTcp, kTrap4, trap);
    case 4:
      return os::BindSocket(Transport::kTcp, kTrap6, trap);
    case 5:
      return os::BindSocket(Transport::kUdp, kTrap4, transparent);
    case 6:
      return os::BindSocket(Transport::kUdp, kTrap6, transparent);
    case 7:
      return os::RawUdpSocket(false);
    case 8:
      return os::RawUdpSocket(true);
    case 9:
      return os::BindSocket(Transport::kUdp, {kOwn4, kResolverPort});
    case 10:
      return os::BindSocket(Transport::kTcp, {kOwn4, kResolverPort});
    default:
      return os::BindSocket(Transport::kTcp, {kOwn4, kProxyPort});
  }
}

}  // namespace

InsideSetup Prepare(const Plan& plan) {
  return {os::LoopbackBatch(plan.addresses), os::nft::Batch(plan.table), RefusedProbes(plan),
          plan.nat.has_value()};
}

os::SysStatus MakeSockets(const InsideSetup& setup, MadeSockets& made) {
  // What is probed is what there is.
  const bool ipv6 = ProbesIpv6(setup.refused);
  for (std::size_t i = 0; i < kInsideSockets; ++i) {
    // The addresses that the others are bound to come with the links.
    if (i == 3) {
      const os::Netlink& links = setup.links;
      const os::Netlink& table = setup.table;
      auto done = os::Transact(made.sockets[1].Get(), links.Data(), links.Acknowledgements());
      if (done) done = os::Transact(made.sockets[0].Get(), table.Data(), table.Acknowledgements());
      if (!done) return done;
    }
    if (i >= 3 && setup.routed) break;
    if (!ipv6 && IsOfIpv6(i)) continue;
    auto socket = MakeSocket(i);
    if (!socket) return std::unexpected(socket.error());
    made.sockets[made.count++] = std::move(*socket);
  }
  return {};
}

os::SysStatus HandOut(MadeSockets made, int handoff) {
  std::array<int, kInsideSockets> numbers{};
  for (std::size_t i = 0; i < made.count; ++i) numbers[i] = made.sockets[i].Get();
  constexpr std::array<std::uint8_t, 1> kSaid = {'s'};
  return os::SendMessage(handoff, kSaid, std::span<const int>(numbers).first(made.count));
}

os::SysStatus MakeInside(const InsideSetup& setup, int handoff) {
  MadeSockets made;
  if (const auto done = MakeSockets(setup, made); !done) return done;
  return HandOut(std::move(made), handoff);
}

}  // namespace bailey::network
