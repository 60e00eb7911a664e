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

constexpr std::chrono::seconds kPatience{30};
constexpr std::uint8_t kGo = 'g';
// Before "in" hands packets to the gateway.
constexpr std::int32_t kBeforeGateway = -160;
constexpr std::int32_t kBeforeAll = -500;
constexpr std::uint8_t kTcp = 6, kUdp = 17;
// passt listens here for what goes on to the guest. Below, it must be able to listen nowhere.
constexpr std::uint16_t kFirstPasstPort = 32768;
constexpr const char* kPasst = "/usr/bin/passt";
constexpr std::string_view kStream = "stream";

// The first byte the highest.
std::uint32_t Number4(const base::Address& address) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : address.Bytes()) number = number << 8 | byte;
  return number;
}

std::vector<base::Address> GuestAddresses(const network::Plan& plan) {
  if (network::HasIpv6(plan)) return {kGuestAddress, kGuestAddress6};
  return {kGuestAddress};
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
  const nft::Table table = IngressTable(network::HasIpv6(plan));
  const os::Netlink rules = nft::Batch(table);
  if (const auto done = os::Transact(netfilter->Get(), rules.Data(), rules.Acknowledgements());
      !done)
    return Cannot("set the rules of its TAP", done.error());
  const std::vector<base::Address> guest = GuestAddresses(plan);
  const os::Netlink links = os::TapBatch(index, kOuterLink, guest, kGuestLink);
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
  for (const base::Address& address : guest)
    wanted.push_back(fmt::format("route type 1 {}/{} on {} from anything", base::ToString(address),
                                 address.Bits(), index));
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

std::vector<std::string> PasstWords(const network::Plan& plan, int stream) {
  const std::string own = base::ToString(network::kOwn4);
  std::vector<std::string> words = {kPasst,
                                    "--foreground",
                                    "--quiet",
                                    "--interface",
                                    "lo",
                                    "--address",
                                    base::ToString(kGuestAddress),
                                    "--netmask",
                                    "24",
                                    "--gateway",
                                    own,
                                    "--mac-addr",
                                    fmt::format("{:02x}", fmt::join(kOuterLink, ":")),
                                    "--dns",
                                    own,
                                    "--no-map-gw",
                                    "--no-dhcp",
                                    "--no-icmp",
                                    "--udp-ports",
                                    "none",
                                    "--fd",
                                    std::to_string(stream)};
  if (network::HasIpv6(plan))
    words.insert(
        words.end(),
        {"--address", base::ToString(kGuestAddress6), "--gateway", base::ToString(network::kOwn6),
         "--dns", base::ToString(network::kOwn6), "--no-ndp", "--no-dhcpv6", "--no-ra"});
  else
    words.emplace_back("--ipv4-only");
  std::string ports;
  for (std::size_t i = 0; i < plan.policy.listen.size(); ++i)
    ports += fmt::format("{}{}:{}", i == 0 ? "127.0.0.1/" : ",", kFirstPasstPort + i,
                         plan.policy.listen[i]);
  words.insert(words.end(), {"--tcp-ports", ports.empty() ? "none" : ports});
  return words;
}

// As passt, which ends when the monitor has closed its end of the stream.
void BecomePasst(const network::Plan& plan, int stream) {
  std::vector<std::string> words = PasstWords(plan, stream);
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
class Builder {
 public:
  Builder(const network::Plan& plan, GuestNetwork::Taken taken, int supervisor)
      : plan_(plan), by_name_(taken == GuestNetwork::Taken::kByName), supervisor_(supervisor) {}

  [[noreturn]] void Run(const network::InsideSetup& setup, int handoff, int parent,
                        const User& user) {
    if (!os::DieWithParent() || !os::IsChildOf(parent)) os::Exit(1);
    const auto proc = os::Open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
    if (!proc || !os::WriteOwnIdMaps(proc->Get(), {0, user.uid, 1}, {0, user.gid, 1}, true))
      os::Exit(1);
    // Down, and so not to be seen by who reads back what is there, until there are rules for it.
    auto tap = os::MakeTap(kTap);
    if (!tap) CheckPasst(tap.error());
    Say(tap ? kTap : kStream);
    if (const auto made = network::MakeInside(setup, handoff); !made)
      End(Cannot("make its namespace", made.error()).text);
    AwaitGo();
    if (!tap) RunPasst();
    const auto done = SetUpTap(plan_, tap->index);
    if (!done) End(done.error().text);
    const base::UniqueFd link = by_name_ ? KeepInNamespace(*tap) : std::move(tap->fd);
    const int fd = link.Get();
    Say(kTap, std::span(&fd, 1));
    os::Exit(0);
  }

 private:
  void Say(std::string_view text, std::span<const int> descriptors = {}) {
    (void)os::SendMessage(supervisor_,
                          {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                          descriptors);
  }
  [[noreturn]] void End(std::string_view why) {
    Say(why);
    os::Exit(0);
  }
  // Of a host that has no TAP for us, where passt takes its place.
  void CheckPasst(os::Errno error) {
    const base::Error why = Cannot("make a TAP of /dev/net/tun", error);
    if (!IsOfHost(error) || by_name_) End(why.text);
    if (const auto found = os::Stat(AT_FDCWD, kPasst, true); !found)
      End(fmt::format("{}, and {}: {}", why.text, kPasst, std::strerror(found.error().value)));
  }
  base::UniqueFd KeepInNamespace(const os::Tap& tap) {
    if (const auto kept = os::KeepTap(tap); !kept)
      End(Cannot("leave its TAP in its namespace", kept.error()).text);
    auto space = os::Open(AT_FDCWD, "/proc/self/ns/net", O_RDONLY);
    if (!space) End(Cannot("open its namespace", space.error()).text);
    return *std::move(space);
  }
  // The gateway reads back what it has, which is all there is so far.
  void AwaitGo() {
    const os::Interest goes[] = {{supervisor_}};
    const auto ready = os::WaitReady(goes, std::chrono::steady_clock::now() + kPatience);
    std::array<std::uint8_t, 1> go;
    const auto heard = ready && *ready ? os::ReceiveMessage(supervisor_, go)
                                       : os::SysResult<os::ReceivedMessage>(os::Fail(ETIMEDOUT));
    if (!heard || heard->size != 1 || go[0] != kGo) os::Exit(1);
  }
  // passt takes an interface without an address of the link for one without IPv6.
  void AddLinkAddress() {
    constexpr base::Address kOfLink = base::Address::V6({0xfe80, 0, 0, 0, 0, 0, 0, 1});
    const auto route = os::OpenNetlink(os::NetlinkFamily::kRoute);
    if (!route) End(Cannot("open netlink", route.error()).text);
    const os::Netlink batch = os::LoopbackAddress(kOfLink);
    if (const auto done = os::Transact(route->Get(), batch.Data(), batch.Acknowledgements()); !done)
      End(Cannot("add an address for passt", done.error()).text);
  }
  [[noreturn]] void RunPasst() {
    // Here every address is local. passt tries to bind what the guest connects to, and refuses the
    // connection where it can: "nobody listens". From where the guest sends it must be able to.
    constexpr const char* kPorts = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    if (const auto written =
            os::WriteFile(AT_FDCWD, kPorts, std::to_string(kFirstPasstPort).c_str());
        !written)
      End(Cannot(fmt::format("write {}, for passt", kPorts), written.error()).text);
    if (network::HasIpv6(plan_)) AddLinkAddress();
    auto streams = os::MakeStreamPair();
    if (!streams) End(Cannot("make a stream to passt", streams.error()).text);
    const int end = (*streams)[0].Get();
    Say(kStream, std::span(&end, 1));
    // What it has to say is nothing that a program's caller would know what to do with.
    const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
    if (!null) os::Exit(1);
    for (const int fd : {0, 1, 2})
      if (!os::Duplicate(null->Get(), fd)) os::Exit(1);
    const int kept[] = {0, 1, 2, (*streams)[1].Get()};
    if (!os::CloseAllBut(kept)) os::Exit(1);
    BecomePasst(plan_, (*streams)[1].Get());
    os::Exit(1);
  }

  const network::Plan& plan_;
  bool by_name_;
  int supervisor_;
};

// Its own addresses alone, TCP and UDP alone, and no part of a packet: in IPv6 that would be a
// header of its own. The machine's end of the link is known: nobody has to ask for it.
nft::Rule FromGuest() {
  using Bytes = std::vector<std::uint8_t>;
  const auto address = kGuestAddress.Bytes();
  return {
      fmt::format("ether saddr {:02x} ether type ip ip saddr {} ip frag-off & 0x3fff == 0 accept",
                  fmt::join(kGuestLink, ":"), base::ToString(kGuestAddress)),
      {nft::LoadPacket{nft::Header::kLink, 6, 6, 0},
       nft::Match{0, true, Bytes(kGuestLink.begin(), kGuestLink.end())},
       nft::LoadPacket{nft::Header::kLink, 12, 2, 0}, nft::Match{0, true, Bytes{8, 0}},
       nft::LoadPacket{nft::Header::kNetwork, 12, 4, 0},
       nft::Match{0, true, Bytes(address.begin(), address.end())},
       nft::LoadPacket{nft::Header::kNetwork, 6, 2, 0}, nft::And{0, Bytes{0x3f, 0xff}},
       nft::Match{0, true, Bytes{0, 0}}, nft::Accept{}}};
}

nft::Rule FromGuest6(std::uint8_t protocol) {
  using Bytes = std::vector<std::uint8_t>;
  const auto address = kGuestAddress6.Bytes();
  return {fmt::format("ether saddr {:02x} ether type ip6 ip6 saddr {} ip6 nexthdr {} accept",
                      fmt::join(kGuestLink, ":"), base::ToString(kGuestAddress6),
                      protocol == kTcp ? "tcp" : "udp"),
          {nft::LoadPacket{nft::Header::kLink, 6, 6, 0},
           nft::Match{0, true, Bytes(kGuestLink.begin(), kGuestLink.end())},
           nft::LoadPacket{nft::Header::kLink, 12, 2, 0}, nft::Match{0, true, Bytes{0x86, 0xdd}},
           nft::LoadPacket{nft::Header::kNetwork, 8, 16, 0},
           nft::Match{0, true, Bytes(address.begin(), address.end())},
           nft::LoadPacket{nft::Header::kNetwork, 6, 1, 0}, nft::Match{0, true, Bytes{protocol}},
           nft::Accept{}}};
}

// A connection to what the guest listens at; answers to it go out anyway.
nft::Rule ToGuest(std::uint16_t port) {
  using Bytes = std::vector<std::uint8_t>;
  constexpr std::uint8_t kFamily4 = 2;  // NFPROTO_IPV4
  const auto address = kGuestAddress.Bytes();
  return {fmt::format("ip daddr {} tcp dport {} accept", base::ToString(kGuestAddress), port),
          {nft::LoadMeta{nft::Meta::kFamily, 0}, nft::Match{0, true, Bytes{kFamily4}},
           nft::LoadPacket{nft::Header::kNetwork, 16, 4, 0},
           nft::Match{0, true, Bytes(address.begin(), address.end())},
           nft::LoadMeta{nft::Meta::kProtocol, 0}, nft::Match{0, true, Bytes{kTcp}},
           nft::LoadPacket{nft::Header::kTransport, 2, 2, 0},
           nft::Match{0, true,
                      Bytes{static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port)}},
           nft::Accept{}}};
}

}  // namespace

nft::Table IngressTable(bool ipv6) {
  nft::Chain chain{.name = "from_guest",
                   .hook = nft::Hook::kIngress,
                   .priority = kBeforeAll,
                   .drop = true,
                   .rules = {FromGuest()},
                   .device = kTap};
  if (ipv6)
    for (const std::uint8_t protocol : {kTcp, kUdp}) chain.rules.push_back(FromGuest6(protocol));
  nft::Table table;
  table.name = "guest";
  table.chains = {std::move(chain)};
  table.netdev = true;
  return table;
}

network::Plan PlanGuestNetwork(const policy::Network& policy, bool ipv6) {
  network::Plan plan = ipv6 ? network::MakePlan(policy, network::RangeSets::kAlways)
                            : network::MakePlanOfIpv4(policy, network::RangeSets::kAlways);
  plan.inward.address = kGuestAddress;
  // What the guest sends is not this namespace's own: the same rules, where it comes in.
  nft::Chain& out = plan.table.chains.at(0);
  nft::Chain guest = out;
  guest.name = "guest";
  guest.hook = nft::Hook::kPrerouting;
  guest.priority = kBeforeGateway;
  // Before what nothing allows is refused.
  for (const std::uint16_t port : policy.listen) out.rules.insert(out.rules.begin(), ToGuest(port));
  plan.table.chains.push_back(std::move(guest));
  // And answers to it go out: those of TCP do anyway.
  for (nft::Set& set : plan.table.sets)
    for (const base::Address& address : GuestAddresses(plan))
      if (set.name == network::RangeSet(address.IsV6()))
        set.elements.push_back({address, address, kUdp, 1, 65535});
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
  if (!network::HasIpv6(plan)) return network;
  network.has_ipv6 = 1;
  const std::pair<guest::Network::Address6*, base::Address> addresses[] = {
      {&network.address6, kGuestAddress6},
      {&network.gateway6, network::kOwn6},
      {&network.probe6, network::kProbe6},
      {&network.refused6, refused.at(2).address}};
  for (const auto& [to, address] : addresses) std::ranges::copy(address.Bytes(), to->begin());
  return network;
}

base::Result<std::unique_ptr<GuestNetwork>> GuestNetwork::Make(const network::Plan& plan,
                                                               const std::string& resolver,
                                                               Taken taken,
                                                               network::DecisionSink sink) {
  std::unique_ptr<GuestNetwork> made(new GuestNetwork(plan, resolver, taken));
  if (const auto built = made->Build(std::move(sink)); !built) return built.error();
  return made;
}

namespace {

struct Said {
  std::string text;
  std::vector<base::UniqueFd> descriptors;
};

base::Result<Said> Hear(int builder) {
  const os::Interest interests[] = {{builder}};
  const auto ready = os::WaitReady(interests, std::chrono::steady_clock::now() + kPatience);
  if (!ready || !*ready)
    return Cannot("wait for its TAP", {!ready ? ready.error().value : ETIMEDOUT});
  std::array<std::uint8_t, 1024> said;
  auto received = os::ReceiveMessage(builder, said);
  if (!received) return Cannot("hear of its TAP", received.error());
  return Said{std::string(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(received->size)),
              std::move(received->descriptors)};
}

base::Error Refused(const std::string& why) {
  return base::Unsupported(why.empty() ? "make the machine's network: its builder has ended" : why);
}

}  // namespace

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
    Builder(plan_, taken_, (*channel)[1].Get()).Run(setup, gateway_->Handoff(), parent, user);
  }
  child_ = *std::move(child);
  builder_ = std::move((*channel)[0]);
  (*channel)[1].Reset();
  base::Status done = AwaitKind();
  if (done) done = gateway_->Start();
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

// A TAP or passt: where connections from outside go on to depends on it.
base::Status GuestNetwork::AwaitKind() {
  auto said = Hear(builder_.Get());
  if (!said) return said.error();
  is_stream_ = said->text == kStream;
  if (is_stream_) plan_.inward = {base::Address::V4(127, 0, 0, 1), kFirstPasstPort};
  if (!is_stream_ && said->text != kTap) return Refused(said->text);
  return {};
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
  auto said = Hear(builder_.Get());
  if (!said) return said.error();
  if (said->descriptors.size() != 1) return Refused(said->text);
  link_ = std::move(said->descriptors[0]);
  return {};
}

}  // namespace bailey::microvm
