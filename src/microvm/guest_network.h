// The outer end of a machine's network: a namespace of its own, which nothing leads out of but the
// gateway that a sandbox of processes has (network/plan.h), and the TAP that the guest's interface
// ends in. The monitor is given the TAP, and is in another namespace. Where /dev/net/tun cannot be
// used, passt(1) in that namespace makes sockets there of what the guest sends.
//
//   guest ---- TAP: one link address, one address of each family, TCP and UDP in whole packets, or
//               |   nothing (ingress)
//        chain "guest": what is allowed, as "out" of a sandbox has it; then "in", to the gateway
//
// What the host listens for (policy::Network::listen) goes the other way, to the guest's address.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "guest/protocol.h"
#include "network/decision.h"
#include "network/plan.h"
#include "network/running.h"
#include "os/nftables.h"

namespace bailey::microvm {

inline constexpr base::Address kGuestAddress = base::Address::V4(198, 18, 0, 3);
inline constexpr base::Address kGuestAddress6 =
    base::Address::V6({0xfd0b, 0xa11e, 0x7e57, 0, 0, 0, 0, 3});
inline constexpr const char* kTap = "guest";
inline constexpr std::array<std::uint8_t, 6> kGuestLink = {0x02, 0xba, 0x11, 0xe7, 0, 2};
inline constexpr std::array<std::uint8_t, 6> kOuterLink = {0x02, 0xba, 0x11, 0xe7, 0, 1};

// A sandbox's network, and how the guest's packets come into it. `ipv6`: this host has it.
network::Plan PlanGuestNetwork(const policy::Network& policy, bool ipv6 = true);
// On the TAP, ahead of everything else.
os::nft::Table IngressTable(bool ipv6 = true);
// What the guest is told to set, and to try before its program starts.
guest::Network ForGuest(const network::Plan& plan);

class GuestNetwork {
 public:
  // How the monitor comes to the TAP.
  enum class Taken : std::uint8_t {
    kAsDescriptor,
    kByName,  // kTap, in the namespace, which it enters: passt cannot be in its place
  };
  // Complete, and read back from the kernel, but for the guest's own end. `sink` is told every
  // decision.
  static base::Result<std::unique_ptr<GuestNetwork>> Make(const network::Plan& plan,
                                                          const std::string& resolver, Taken taken,
                                                          network::DecisionSink sink);

  ~GuestNetwork();

  // For the monitor, who is the last to hold it: the TAP, or the namespace that it is in.
  int Link() const { return link_.Get(); }
  // A stream to passt, and no TAP.
  bool IsStream() const { return is_stream_; }
  void CloseLink() { link_.Reset(); }
  network::Running& Gateway() { return *gateway_; }

 private:
  GuestNetwork(network::Plan plan, std::string resolver, Taken taken)
      : plan_(std::move(plan)), resolver_(std::move(resolver)), taken_(taken) {}
  base::Status Build(network::DecisionSink sink);
  base::Status AwaitKind();
  base::Status AwaitGateway();
  base::Status TakeLink();

  network::Plan plan_;
  std::string resolver_;
  Taken taken_;
  std::optional<network::Running> gateway_;
  os::Child child_;
  base::UniqueFd builder_, link_;
  bool is_stream_ = false;
};

}  // namespace bailey::microvm
