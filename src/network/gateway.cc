#include "network/gateway.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "network/decider.h"
#include "network/families.h"
#include "network/inbound.h"
#include "network/report.h"
#include "network/wire.h"
#include "network/worker.h"
#include "network/worker_filter.h"
#include "os/channel.h"
#include "os/confine.h"
#include "os/events.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/inet.h"
#include "os/links.h"
#include "os/poller.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::network {
namespace {

// Descriptors of a process that are no connections.
constexpr std::size_t kOtherDescriptors = 64;
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
bool AwaitFirst(int decider) {
  auto poller = os::Poller::Make();
  if (!poller || !poller->Add(decider, 0, os::Poller::Wants::kRead)) return false;
  for (;;) {
    const auto ready = poller->Wait(std::nullopt);
    if (!ready) return false;
    if (!ready->empty()) return true;
  }
}

[[noreturn]] void BeWorker(base::UniqueFd decider, const Plan& plan, std::size_t most) {
  const auto filter = WorkerFilter();
  const int kept[] = {decider.Get()};
  // Before the sockets are there, while they are made.
  if (!filter || !os::DieWithParent() || !os::CloseAllBut(kept) || !os::Confine(plan.landlock) ||
      !os::AttachFilter(filter->Bytes()) || !AwaitFirst(decider.Get()))
    os::Exit(1);
  Wire first;
  auto received =
      os::ReceiveMessage(decider.Get(), {reinterpret_cast<std::uint8_t*>(&first), sizeof(first)});
  if (!received) os::Exit(1);
  auto sockets = Take(received->descriptors, kInsideSockets - kWorkerSockets, HasIpv6(plan));
  if (!sockets) os::Exit(1);
  RunWorker(std::move(decider), *std::move(sockets),
            {most, plan.policy.idle, plan.policy.total, plan.policy.out});
  os::Exit(0);
}

base::Result<base::UniqueFd> StartWorker(const Plan& plan, std::size_t most) {
  auto pair = os::ChannelPair();
  if (!pair) return base::SystemError("start the gateway's worker", pair.error().value);
  auto child = os::Fork(0);
  if (!child) return base::SystemError("start the gateway's worker", child.error().value);
  if (child->pid == 0) BeWorker(std::move((*pair)[1]), plan, most);
  return std::move((*pair)[0]);
}

// Waits for the sockets; an end of the supervisor or of what is inside is the end of all (nullopt).
base::Result<std::optional<InsideSockets>> ReceiveSockets(const GatewaySockets& sockets,
                                                          bool ipv6) {
  const std::array<os::Interest, 2> interests = {os::Interest{sockets.inside.Get()},
                                                 os::Interest{sockets.supervisor.Get()}};
  const auto ready = os::WaitReady(interests, std::nullopt);
  if (!ready) return base::SystemError("wait for the network inside", ready.error().value);
  if (**ready != 0) return std::nullopt;
  std::array<std::uint8_t, 16> buffer{};
  auto received = os::ReceiveMessage(sockets.inside.Get(), buffer);
  if (!received) return base::SystemError("take over the network inside", received.error().value);
  if (received->size == 0) return std::nullopt;
  auto taken = Take(received->descriptors, 0, ipv6);
  if (!taken) return base::Internal("take over the network inside: sockets are missing");
  return std::optional(*std::move(taken));
}

base::Status ReadBack(const Plan& plan, const InsideSockets& sockets) {
  const auto lines = os::DescribeLinks(sockets.route.Get());
  if (!lines) return base::SystemError("read back the network inside", lines.error().value);
  const auto wanted = os::LoopbackLines(plan.addresses);
  if (*lines != wanted) {
    std::vector<std::string> odd;
    std::ranges::set_symmetric_difference(*lines, wanted, std::back_inserter(odd));
    return base::Violation(
        fmt::format("read back the network inside: {} is not as planned", odd.at(0)));
  }
  const auto differences = os::nft::Compare(sockets.netfilter.Get(), plan.table);
  if (!differences)
    return base::SystemError("read back the rules inside", differences.error().value);
  if (!differences->empty())
    return base::Violation(fmt::format("read back the rules inside: {}", differences->at(0)));
  return {};
}

base::Status ListenToRefusals(const InsideSockets& sockets) {
  const os::Netlink batch = os::nft::ListenToLog(kLogGroup, kLogBytes);
  auto done = os::Transact(sockets.log.Get(), batch.Data(), batch.Acknowledgements());
  if (done) done = os::SetNonBlocking(sockets.log.Get());
  if (!done) return base::SystemError("listen to what the rules refuse", done.error().value);
  return {};
}

void Tell(int supervisor, Report::Kind kind, std::string_view text) {
  Report report;
  report.kind = kind;
  text = text.substr(0, report.why.size());
  std::ranges::copy(text, report.why.begin());
  report.why_size = static_cast<std::uint16_t>(text.size());
  (void)os::SendMessage(supervisor,
                        {reinterpret_cast<const std::uint8_t*>(&report), sizeof(report)});
}

// `inside` is the caller's: where something fails, probes get no answer, and so none that is wrong,
// before the supervisor has heard what it was.
base::Status Serve(const Plan& plan, GatewaySockets& sockets, const std::string& resolver,
                   std::optional<InsideSockets>& inside) {
  const auto descriptors = os::RaiseDescriptorLimit();
  if (!descriptors) return base::SystemError("raise the limit of files", descriptors.error().value);
  // Two descriptors a connection, in this process or in the worker.
  const std::size_t most = std::min<std::size_t>(
      plan.policy.connections,
      (std::max(*descriptors, 2 * kOtherDescriptors) - kOtherDescriptors) / 2);
  auto worker = StartWorker(plan, most);
  if (!worker) return worker.error();
  auto received = ReceiveSockets(sockets, HasIpv6(plan));
  if (!received) return received.error();
  if (!*received) return {};
  inside = *std::move(received);
  if (const auto same = ReadBack(plan, *inside); !same) return same;
  if (const auto listens = ListenToRefusals(*inside); !listens) return listens;
  auto inbound = Inbound::Start(plan.policy.listen, inside->route.Get(), plan.landlock);
  if (!inbound) return inbound.error();
  Channel channel(*std::move(worker));
  std::vector<base::UniqueFd> handed;
  for (base::UniqueFd* socket : {&inside->datagrams4, &inside->datagrams6, &inside->raw4,
                                 &inside->raw6, &inside->names, &inside->names_tcp, &inside->proxy})
    if (socket->IsOpen()) handed.push_back(std::move(*socket));
  channel.Send(Wire(), std::move(handed));
  const int supervisor = sockets.supervisor.Get();
  Tell(supervisor, Report::Kind::kReady,
       fmt::format("{} rules, {} entries",
                   plan.table.chains[0].rules.size() + plan.table.chains[1].rules.size(),
                   plan.policy.egress.allow.size()));
  return RunDecider(
      plan,
      {std::move(sockets.supervisor), std::move(channel), *std::move(inside), *std::move(inbound)},
      resolver, most);
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

void RunGateway(const Plan& plan, GatewaySockets sockets, const std::string& resolver) {
  const int supervisor = sockets.supervisor.Get();
  const int kept[] = {std::min(supervisor, sockets.inside.Get()),
                      std::max(supervisor, sockets.inside.Get())};
  // The rules inside are changed by the right of who owns that user namespace, not by capabilities.
  const bool alone = os::SetNoNewPrivileges() && os::DropCapabilities() && os::DieWithParent() &&
                     os::SetDumpable(false) && os::CloseAllBut(kept) &&
                     LeaveStandardDescriptors() && os::ReapUnseen();
  if (!alone) os::Exit(1);
  std::optional<InsideSockets> inside;
  if (const auto served = Serve(plan, sockets, resolver, inside); !served)
    Tell(supervisor, Report::Kind::kFailed, served.error().text);
  os::Exit(0);
}

}  // namespace bailey::network
