#include "microvm/guest_network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "network/families.h"
#include "network/inside.h"
#include "network/probe.h"
#include "os/channel.h"
#include "os/events.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/links.h"
#include "os/netlink.h"
#include "os/process.h"
#include "os/tap.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

namespace nft = os::nft;

constexpr const char* kTap = "guest";
constexpr std::chrono::seconds kPatience{30};
constexpr std::uint8_t kGo = 'g';
// Before "in" hands packets to the gateway.
constexpr std::int32_t kBeforeGateway = -160;
constexpr std::int32_t kBeforeAll = -500;
constexpr std::uint8_t kUdp = 17;
constexpr const char* kPasst = "/usr/bin/passt";
constexpr std::string_view kStream = "stream";

// The first byte the highest.
std::uint32_t Number4(const base::Address& address) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : address.Bytes()) number = number << 8 | byte;
  return number;
}

base::Error Cannot(std::string_view what, os::Errno error) {
  return base::SystemError(fmt::format("make the machine's network: {}", what), error.value);
}

// In the namespace: the rules on its TAP, its addresses and routes, read back.
base::Status SetUpTap(const network::Plan& plan, std::uint32_t index) {
  const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
  const auto netfilter = os::OpenNetlink(os::NetlinkFamily::kNetfilter);
  if (!route || !netfilter) return Cannot("open netlink", (!route ? route : netfilter).error());
  // The rules before the interface is up: no packet comes in without them.
  const nft::Table table = IngressTable();
  const os::Netlink rules = nft::Batch(table);
  if (const auto done = os::Transact(netfilter->Get(), rules.Data(), rules.Acknowledgements());
      !done)
    return Cannot("set the rules of its TAP", done.error());
  const os::Netlink links = os::TapBatch(index, kOuterLink, kGuestAddress, kGuestLink);
  if (const auto done = os::Transact(route->Get(), links.Data(), links.Acknowledgements()); !done)
    return Cannot("set up its TAP", done.error());
  const auto differences = nft::Compare(netfilter->Get(), table);
  if (!differences) return Cannot("read back the rules of its TAP", differences.error());
  if (!differences->empty())
    return base::Violation("make the machine's network: read back its TAP: " +
                           differences->front());
  const auto found = os::DescribeLinks(route->Get());
  if (!found) return Cannot("read back its TAP", found.error());
  std::vector<std::string> wanted = os::LoopbackLines(plan.addresses);
  wanted.push_back(fmt::format("link {} is up", index));
  wanted.push_back(
      fmt::format("route type 1 {}/32 on {} from anything", base::ToString(kGuestAddress), index));
  for (const std::string& line : *found) {
    // Of every interface that is up, where there is IPv6, which the rules drop.
    if (line == fmt::format("route type 5 ff00::/8 on {} from anything", index)) continue;
    const auto at = std::ranges::find(wanted, line);
    if (at == wanted.end())
      return base::Violation("make the machine's network: there is besides: " + line);
    wanted.erase(at);
  }
  if (!wanted.empty())
    return base::Violation("make the machine's network: there is no " + wanted.front());
  return {};
}

// What has no TAP because of the host, and not because of us.
bool IsOfHost(os::Errno error) {
  return error.value == EACCES || error.value == ENOENT || error.value == ENODEV ||
         error.value == EPERM;
}

// As passt, which ends when the monitor has closed its end of the stream.
void BecomePasst(int stream) {
  std::string link = fmt::format("{:02x}", fmt::join(kOuterLink, ":"));
  std::string address = base::ToString(kGuestAddress), own = base::ToString(network::kOwn4);
  std::string descriptor = std::to_string(stream);
  std::vector<std::string> words = {
      kPasst,       "--foreground", "--quiet",   "--ipv4-only", "--interface", "lo",
      "--address",  address,        "--netmask", "24",          "--gateway",   own,
      "--mac-addr", link,           "--dns",     own,           "--no-map-gw", "--no-dhcp",
      "--no-icmp",  "--tcp-ports",  "none",      "--udp-ports", "none",        "--fd",
      descriptor};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* none[] = {nullptr};
  if (os::KeepOnExecution(stream)) (void)os::Execute(kPasst, argv.data(), none);
  os::Exit(1);
}

// Whose the namespace is.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

// The process that is in the namespace until all is made. What it makes lives on by descriptors.
[[noreturn]] void BuildInside(const network::Plan& plan, const network::InsideSetup& setup,
                              int handoff, int parent, int supervisor, const User& user) {
  const auto say = [&](std::string_view text, std::span<const int> descriptors = {}) {
    (void)os::SendMessage(
        supervisor, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, descriptors);
    os::Exit(0);
  };
  if (!os::DieWithParent() || !os::IsChildOf(parent)) os::Exit(1);
  const auto proc = os::Open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!proc || !os::WriteOwnIdMaps(proc->Get(), {0, user.uid, 1}, {0, user.gid, 1}, true))
    os::Exit(1);
  if (const auto made = network::MakeInside(setup, handoff); !made)
    say(Cannot("make its namespace", made.error()).text);
  // The gateway reads back what it has, which is all there is so far.
  const os::Interest goes[] = {{supervisor}};
  const auto ready = os::WaitReady(goes, std::chrono::steady_clock::now() + kPatience);
  std::array<std::uint8_t, 1> go;
  const auto heard = ready && *ready ? os::ReceiveMessage(supervisor, go)
                                     : os::SysResult<os::ReceivedMessage>(os::Fail(ETIMEDOUT));
  if (!heard || heard->size != 1 || go[0] != kGo) os::Exit(1);
  const auto tap = os::MakeTap(kTap);
  if (tap) {
    const auto done = SetUpTap(plan, tap->index);
    const int fd = tap->fd.Get();
    if (done) say(kTap, std::span(&fd, 1));
    say(done.error().text);
  }
  const base::Error why = Cannot("make a TAP of /dev/net/tun", tap.error());
  if (!IsOfHost(tap.error())) say(why.text);
  if (const auto found = os::Stat(AT_FDCWD, kPasst, true); !found)
    say(fmt::format("{}, and {}: {}", why.text, kPasst, std::strerror(found.error().value)));
  // Here every address is local. passt tries to bind what the guest connects to, and refuses the
  // connection where it can: "nobody listens". From where the guest sends it must be able to.
  constexpr const char* kPorts = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  if (const auto written = os::WriteFile(AT_FDCWD, kPorts, "32768"); !written)
    say(fmt::format("{}, and write {}, for passt: {}", why.text, kPorts,
                    std::strerror(written.error().value)));
  auto streams = os::MakeStreamPair();
  if (!streams) say(why.text);
  const int end = (*streams)[0].Get();
  const std::string_view text = kStream;
  (void)os::SendMessage(supervisor,
                        {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                        std::span(&end, 1));
  const int kept[] = {0, 1, 2, (*streams)[1].Get()};
  if (!os::CloseAllBut(kept)) os::Exit(1);
  BecomePasst((*streams)[1].Get());
  os::Exit(1);
}

}  // namespace

nft::Table IngressTable() {
  using Bytes = std::vector<std::uint8_t>;
  const auto address = kGuestAddress.Bytes();
  nft::Chain chain{.name = "from_guest",
                   .hook = nft::Hook::kIngress,
                   .priority = kBeforeAll,
                   .drop = true,
                   .rules = {},
                   .device = kTap};
  // Its own addresses alone, of IPv4 alone, and no part of a packet. The machine's end of the link
  // is known: nobody has to ask for it by ARP.
  chain.rules.push_back(
      {fmt::format("ether saddr {:02x} ether type ip ip saddr {} ip frag-off & 0x3fff == 0 accept",
                   fmt::join(kGuestLink, ":"), base::ToString(kGuestAddress)),
       {nft::LoadPacket{nft::Header::kLink, 6, 6, 0},
        nft::Match{0, true, Bytes(kGuestLink.begin(), kGuestLink.end())},
        nft::LoadPacket{nft::Header::kLink, 12, 2, 0}, nft::Match{0, true, Bytes{8, 0}},
        nft::LoadPacket{nft::Header::kNetwork, 12, 4, 0},
        nft::Match{0, true, Bytes(address.begin(), address.end())},
        nft::LoadPacket{nft::Header::kNetwork, 6, 2, 0}, nft::And{0, Bytes{0x3f, 0xff}},
        nft::Match{0, true, Bytes{0, 0}}, nft::Accept{}}});
  nft::Table table;
  table.name = "guest";
  table.chains = {std::move(chain)};
  table.netdev = true;
  return table;
}

base::Result<network::Plan> PlanGuestNetwork(const policy::Network& policy) {
  if (!policy.listen.empty())
    return base::Unsupported(
        "make the machine's network: nobody outside can reach into a machine "
        "(listen)");
  for (const egress::Rule& rule : policy.egress.allow) {
    const auto* range = std::get_if<base::AddressRange>(&rule.target);
    if (range && range->first.IsV6())
      return base::Unsupported(
          fmt::format("make the machine's network: reach {}: a machine has IPv4 alone",
                      egress::ToString(rule)));
  }
  network::Plan plan = network::MakePlanOfIpv4(policy);
  // What the guest sends is not this namespace's own: the same rules, where it comes in.
  nft::Chain guest = plan.table.chains.at(0);
  guest.name = "guest";
  guest.hook = nft::Hook::kPrerouting;
  guest.priority = kBeforeGateway;
  plan.table.chains.push_back(std::move(guest));
  // And answers to it go out: those of TCP do anyway.
  for (nft::Set& set : plan.table.sets)
    if (set.name == network::RangeSet(false))
      set.elements.push_back({kGuestAddress, kGuestAddress, kUdp, 1, 65535});
  return plan;
}

guest::Network ForGuest(const network::Plan& plan) {
  const auto refused = network::RefusedProbes(plan);
  guest::Network network;
  network.address = Number4(kGuestAddress);
  network.gateway = Number4(network::kOwn4);
  network.gateway_link = kOuterLink;
  network.probe = Number4(network::kProbe4);
  network.probe_port = network::kProbePort;
  network.refused = Number4(refused.at(0).address);
  network.refused_port = refused[0].port;
  network.name = network::kProbeName;
  network.refused_name = network::kRefusedProbeName;
  network.text = network::kProbeText;
  return network;
}

base::Result<std::unique_ptr<GuestNetwork>> GuestNetwork::Make(const network::Plan& plan,
                                                               const std::string& resolver,
                                                               network::DecisionSink sink) {
  std::unique_ptr<GuestNetwork> made(new GuestNetwork(plan, resolver));
  if (const auto built = made->Build(std::move(sink)); !built) return built.error();
  return made;
}

base::Status GuestNetwork::Build(network::DecisionSink sink) {
  auto gateway = network::Running::Make(plan_, resolver_, std::move(sink));
  if (!gateway) return gateway.error();
  gateway_.emplace(*std::move(gateway));
  auto channel = os::ChannelPair();
  if (!channel) return Cannot("make a channel", channel.error());
  const network::InsideSetup setup = network::Prepare(plan_);
  const int parent = ::getpid();
  const User user = {::geteuid(), ::getegid()};
  // Of a user namespace of ours, over which the gateway needs no privilege to have power.
  auto child = os::Fork(os::kUserNamespace | os::kNetworkNamespace);
  if (!child) return Cannot("make its namespace", child.error());
  if (child->pid == 0) {
    (*channel)[0].Reset();
    gateway_->LeaveToSandbox();
    BuildInside(plan_, setup, gateway_->Handoff(), parent, (*channel)[1].Get(), user);
  }
  child_ = *std::move(child);
  builder_ = std::move((*channel)[0]);
  (*channel)[1].Reset();
  base::Status done = gateway_->Start();
  gateway_->CloseHandoff();
  if (done) done = AwaitGateway();
  if (done) done = TakeLink();
  builder_.Reset();
  return done;
}

GuestNetwork::~GuestNetwork() {
  if (child_.pid <= 0) return;
  (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);  // most have ended by themselves
  (void)os::WaitFor(child_.pid);
}

// Until it has read back what is in force, or somebody says why it cannot be.
base::Status GuestNetwork::AwaitGateway() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!gateway_->Ready()) {
    const os::Interest interests[] = {{gateway_->Descriptor()}, {builder_.Get()}};
    const auto ready = os::WaitReady(interests, deadline);
    if (!ready || !*ready)
      return Cannot("wait for the gateway", {!ready ? ready.error().value : ETIMEDOUT});
    if (**ready == 1) return TakeLink();
    if (const auto read = gateway_->Read(); !read) return read;
    if (!gateway_->IsOpen() && !gateway_->Ready()) return TakeLink();
  }
  if (const auto sent = os::SendMessage(builder_.Get(), std::span(&kGo, 1)); !sent)
    return Cannot("go on", sent.error());
  return {};
}

base::Status GuestNetwork::TakeLink() {
  const os::Interest interests[] = {{builder_.Get()}};
  const auto ready = os::WaitReady(interests, std::chrono::steady_clock::now() + kPatience);
  if (!ready || !*ready)
    return Cannot("wait for its TAP", {!ready ? ready.error().value : ETIMEDOUT});
  std::array<std::uint8_t, 1024> said;
  auto received = os::ReceiveMessage(builder_.Get(), said);
  if (!received) return Cannot("hear of its TAP", received.error());
  const std::string text(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(received->size));
  if (received->descriptors.size() == 1) {
    link_ = std::move(received->descriptors[0]);
    is_stream_ = text == kStream;
    return {};
  }
  return base::Unsupported(text.empty() ? "make the machine's network: its builder has ended"
                                        : text);
}

}  // namespace bailey::microvm
