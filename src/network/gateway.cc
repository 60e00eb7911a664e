#include "network/gateway.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "network/decider.h"
#include "network/families.h"
#include "network/handover.h"
#include "network/inbound.h"
#include "network/nat_gateway.h"
#include "network/proxy.h"
#include "network/report.h"
#include "network/tokens.h"
#include "network/wire.h"
#include "network/worker.h"
#include "os/channel.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/inet.h"
#include "os/links.h"
#include "os/poller.h"
#include "os/process.h"
#include "os/seccomp.h"
#include "os/start_heap.h"

namespace bailey::network {
namespace {

// Descriptors of a process that are no connections; of those that there may be, one in eight for
// clients of the proxy that have not said where to, and one in 16 for streams of the name service.
constexpr std::size_t kOtherDescriptors = 64;
constexpr std::size_t kMostProxyClients = 1024, kMostNameStreams = 256;

// What either takes until a program starts, of a policy with few entries: what is made ready in
// vain is copied from the parent's.
constexpr std::size_t kGatewayHeap = 28 << 10, kWorkerHeap = 12 << 10;

WorkerLimits LimitsOf(const policy::Network& policy, std::size_t descriptors) {
  WorkerLimits limits;
  limits.proxy_clients = std::clamp<std::size_t>(descriptors / 8, 1, kMostProxyClients);
  limits.name_streams = std::clamp<std::size_t>(descriptors / 16, 1, kMostNameStreams);
  const std::size_t others = kOtherDescriptors + limits.proxy_clients + limits.name_streams;
  // Two descriptors a connection, in this process or in the worker.
  limits.connections = std::clamp<std::size_t>((descriptors - std::min(descriptors, others)) / 2, 1,
                                               policy.connections);
  limits.time = {policy.idle, policy.total};
  limits.out = policy.out;
  return limits;
}

// The order of InsideSockets.
std::optional<InsideSockets> Take(std::vector<base::UniqueFd>& descriptors, std::size_t first,
                                  bool ipv6) {
  InsideSockets sockets;
  base::UniqueFd* const members[kInsideSockets] = {
      &sockets.netfilter, &sockets.route,      &sockets.log,        &sockets.trap4,
      &sockets.trap6,     &sockets.datagrams4, &sockets.datagrams6, &sockets.raw4,
      &sockets.raw6,      &sockets.names,      &sockets.names_tcp,  &sockets.proxy};
  std::size_t taken = 0;
  for (std::size_t i = first; i < kInsideSockets; ++i) {
    if (!ipv6 && IsOfIpv6(i)) continue;
    if (taken == descriptors.size()) return std::nullopt;
    *members[i] = std::move(descriptors[taken++]);
  }
  if (taken != descriptors.size()) return std::nullopt;
  return sockets;
}

// By what the worker's filter allows.
bool AwaitFirst(os::Poller& poller, int decider) {
  if (!poller.Add(decider, Make(Token::kDecider), os::Poller::Wants::kRead)) return false;
  for (;;) {
    const auto ready = poller.Wait(std::nullopt);
    if (!ready) return false;
    if (!ready->empty()) return true;
  }
}

[[noreturn]] void BeWorker(base::UniqueFd decider, const Plan& plan, const WorkerLimits& limits,
                           std::span<const std::uint8_t> filter) {
  os::RenewStartHeap(kWorkerHeap);
  const int kept[] = {decider.Get()};
  // Before the sockets are there, while they are made.
  if (!os::DieWithParent() || !os::CloseAllBut(kept) || !os::Confine(plan.landlock) ||
      !os::AttachFilter(filter))
    os::Exit(1);
  auto ground = MakeGround();
  if (!ground || !AwaitFirst(ground->poller, decider.Get())) os::Exit(1);
  Wire first;
  auto received =
      os::ReceiveMessage(decider.Get(), {reinterpret_cast<std::uint8_t*>(&first), sizeof(first)});
  if (!received) os::Exit(1);
  auto sockets = Take(received->descriptors, kInsideSockets - kWorkerSockets, HasIpv6(plan));
  if (!sockets) os::Exit(1);
  RunWorker(*std::move(ground), std::move(decider), *std::move(sockets), limits);
}

base::Result<base::UniqueFd> StartWorker(const Plan& plan, const WorkerLimits& limits,
                                         std::span<const std::uint8_t> filter) {
  auto pair = os::ChannelPair();
  if (!pair) return base::SystemError("start the gateway's worker", pair.error().value);
  auto child = os::Fork(0);
  if (!child) return base::SystemError("start the gateway's worker", child.error().value);
  if (child->pid == 0) BeWorker(std::move((*pair)[1]), plan, limits, filter);
  os::RenewStartHeap(kGatewayHeap);
  return std::move((*pair)[0]);
}

base::Result<std::string> ReadLoginFrom(base::UniqueFd file) {
  constexpr std::size_t kLongest = 4096;
  if (!file.IsOpen()) return std::string();
  const auto text = os::ReadAll(file.Get(), kLongest);
  const std::string what = fmt::format("read the file of {}", kLoginVariable);
  if (!text) return base::SystemError(what, text.error().value);
  auto login = ReadLogin(*text);
  if (!login) return base::InvalidInput(what + ": expected user:password in one line");
  return *std::move(login);
}

// What probes are sent to, and the worker, which has a part of it.
struct Held {
  std::optional<InsideSockets> inside;
  std::optional<Channel> worker;
};

// `held` is the caller's: where something fails, probes get no answer, and so none that is wrong,
// before the supervisor has heard what it was.
base::Status Serve(const Plan& plan, GatewaySockets& sockets, const std::string& resolver,
                   std::span<const std::uint8_t> filter, Held& held) {
  const auto descriptors = os::RaiseDescriptorLimit();
  if (!descriptors) return base::SystemError("raise the limit of files", descriptors.error().value);
  const WorkerLimits limits = LimitsOf(plan.policy, *descriptors);
  auto worker = StartWorker(plan, limits, filter);
  if (!worker) return worker.error();
  // Nothing of it is in the worker's memory.
  auto login = ReadLoginFrom(std::exchange(sockets.login, {}));
  if (!login) return login.error();
  auto ground = MakeGround();
  if (!ground) return base::SystemError("wait for connections", ground.error().value);
  const auto lines = os::LoopbackLines(plan.addresses);
  auto received = ReceiveHandedOut(sockets);
  if (!received) return received.error();
  if (!*received) return {};
  auto& inside = held.inside = Take(**received, 0, HasIpv6(plan));
  if (!inside) return base::Internal("take over the network inside: sockets are missing");
  // It asks about everything, and is answered when all this is done.
  held.worker.emplace(*std::move(worker));
  std::vector<base::UniqueFd> handed;
  for (base::UniqueFd* socket : {&inside->datagrams4, &inside->datagrams6, &inside->raw4,
                                 &inside->raw6, &inside->names, &inside->names_tcp, &inside->proxy})
    if (socket->IsOpen()) handed.push_back(std::move(*socket));
  held.worker->Send(Wire(), std::move(handed));
  if (const auto same = ReadBackLinks(inside->route.Get(), lines); !same) return same;
  if (const auto same = ReadBackRules(inside->netfilter.Get(), plan); !same) return same;
  if (const auto listens = ListenToRefusals(inside->log.Get()); !listens) return listens;
  auto inbound =
      Inbound::Start(plan.policy.listen, plan.inward, inside->route.Get(), plan.landlock);
  if (!inbound) return inbound.error();
  const int supervisor = sockets.supervisor.Get();
  Tell(supervisor, Report::Kind::kReady,
       fmt::format("{} rules, {} entries",
                   plan.table.chains[0].rules.size() + plan.table.chains[1].rules.size(),
                   plan.policy.egress.allow.size()));
  RunDecider(plan, *std::move(ground),
             {std::move(sockets.supervisor), *std::move(held.worker), *std::move(inside),
              *std::move(inbound), *std::move(login)},
             resolver, limits.connections);
}

// Nothing that the caller's descriptors lead to is kept open by a process beside the program.
os::SysStatus LeaveStandardDescriptors() {
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  if (!null) return std::unexpected(null.error());
  for (const int fd : {0, 1, 2})
    if (const auto done = os::Duplicate(null->Get(), fd); !done) return done;
  return {};
}

}  // namespace

void RunGateway(const Plan& plan, GatewaySockets sockets, const std::string& resolver,
                std::span<const std::uint8_t> worker_filter) {
  const int supervisor = sockets.supervisor.Get();
  // Nothing is allocated before the worker is forked: the heap is shared with the parent.
  std::array<int, 3> numbers = {supervisor, sockets.inside.Get(), sockets.login.Get()};
  const auto kept = std::span<int>(numbers).first(sockets.login.IsOpen() ? 3 : 2);
  std::ranges::sort(kept);
  // The rules inside are changed by the right of who owns that user namespace, not by capabilities.
  const bool alone = os::SetNoNewPrivileges() && os::DropCapabilities() && os::DieWithParent() &&
                     os::SetDumpable(false) && os::CloseAllBut(kept) &&
                     LeaveStandardDescriptors() && os::ReapUnseen();
  if (!alone) os::Exit(1);
  Held held;
  const auto served =
      plan.nat ? ServeNat(plan, sockets) : Serve(plan, sockets, resolver, worker_filter, held);
  if (!served) Tell(supervisor, Report::Kind::kFailed, served.error().text);
  os::Exit(0);
}

}  // namespace bailey::network
