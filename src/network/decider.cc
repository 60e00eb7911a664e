#include "network/decider.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <unordered_map>
#include <utility>

#include "network/dialer.h"
#include "network/eager_wait.h"
#include "network/families.h"
#include "network/naming.h"
#include "network/opening.h"
#include "network/packet.h"
#include "network/probe.h"
#include "network/proxy.h"
#include "network/relays.h"
#include "network/report_queue.h"
#include "network/tokens.h"
#include "os/channel.h"
#include "os/file.h"
#include "os/inet.h"
#include "os/poller.h"
#include "os/process.h"

namespace bailey::network {
namespace {

using Clock = std::chrono::steady_clock;
using egress::Protocol;

constexpr std::chrono::milliseconds kTick{500};
// With little to do connections are accepted one at a time: a call in vain makes and unmakes as
// much as one that finds somebody.
constexpr std::size_t kFew = 8;
constexpr int kMostAccepted = 64;
// For the worker to say how the last connections ended.
constexpr std::chrono::milliseconds kLastWords{250};

// A connection, a flow or a request, from the question to its end.
struct Connection {
  Decision decision;
  std::optional<egress::Host> host;
  base::UniqueFd client;  // until the worker has it
  bool checked = false;
  enum class Of : std::uint8_t { kTrap, kProxy, kFlow, kInbound } of = Of::kTrap;
  std::uint64_t worker_id = 0;  // what the worker calls it, of kProxy and kFlow
};

class Decider {
 public:
  Decider(const Plan& plan, Ground ground, DeciderSockets sockets, const std::string& resolver,
          std::size_t most)
      : plan_(plan),
        poller_(std::move(ground.poller)),
        supervisor_(std::move(sockets.supervisor)),
        worker_(std::move(sockets.worker)),
        sockets_(std::move(sockets.inside)),
        inbound_(std::move(sockets.inbound)),
        login_(std::move(sockets.login)),
        most_(most),
        dialer_(
            poller_, plan_.policy, resolver,
            [this](std::uint64_t id, Dialer::Result result) { Dialled(id, std::move(result)); }),
        naming_(plan, sockets_.netfilter.Get(),
                [this](const Decision& decision) { Tell(decision); }),
        probes_(RefusedProbes(plan)),
        relays_(poller_, ground.scratch, {plan.policy.idle, plan.policy.total},
                [this](std::uint64_t id, const Relay& relay) {
                  Ended(id, relay.Up(), relay.Down(), relay.Why());
                }),
        reports_(supervisor_.Get()) {}

  void Run() {
    using Wants = os::Poller::Wants;
    const bool watched = poller_.Add(supervisor_.Get(), Make(Token::kSupervisor), Wants::kRead) &&
                         poller_.Add(worker_.Descriptor(), Make(Token::kWorker), Wants::kRead) &&
                         poller_.Add(sockets_.trap4.Get(), Make(Token::kTrapIpv4), Wants::kRead) &&
                         (!HasIpv6(plan_) || poller_.Add(sockets_.trap6.Get(),
                                                         Make(Token::kTrapIpv6), Wants::kRead)) &&
                         poller_.Add(sockets_.log.Get(), Make(Token::kLog), Wants::kRead);
    if (!watched || !WatchInbound()) return;
    while (Turn()) {
    }
    // Flows of datagrams, say, have no end of their own.
    for (const auto& [id, connection] : connections_) Tell(connection.decision);
    reports_.Flush();
    supervisor_.Reset();  // it waits for this end alone
  }

 private:
  bool WatchInbound() {
    const auto& listeners = inbound_.Listeners();
    if (listeners.empty()) return true;
    for (std::size_t i = 0; i < listeners.size(); ++i)
      if (!poller_.Add(listeners[i].Get(), Make(Token::kListener, i), os::Poller::Wants::kRead))
        return false;
    return poller_.Add(inbound_.Maker(), Make(Token::kMaker), os::Poller::Wants::kRead).has_value();
  }

  bool Turn() {
    const auto ready = wait_.Wait(poller_, Timeout());
    if (!ready) return false;
    const auto now = Clock::now();
    relays_.SetNow(now);
    // Who has just come waits for us; of those that end nobody does.
    const bool few = ready->size() <= kFew;
    for (const os::Ready& one : *ready)
      if (IsTrap(one.token)) AcceptAll(one.token, few ? 1 : kMostAccepted);
    for (const os::Ready& one : *ready)
      if (!IsTrap(one.token) && !Handle(one)) return false;
    relays_.PumpMore();
    if (now - last_tick_ >= kTick) {
      last_tick_ = now;
      dialer_.Tick(now);
      relays_.Tick();
    }
    if (!worker_.Flush()) return false;
    if (last_words_ || reports_.IsDue(now)) reports_.Flush();
    if (!last_words_) return true;
    return now < *last_words_ && (HasRelays() || !reports_.IsEmpty());
  }

  std::optional<std::chrono::milliseconds> Timeout() const {
    if (relays_.HasMore()) return std::chrono::milliseconds(0);
    if (worker_.IsWaiting()) return std::chrono::milliseconds(1);
    if (!reports_.IsEmpty()) return last_words_ ? std::chrono::milliseconds(1) : ReportQueue::kWait;
    if (last_words_) return std::chrono::milliseconds(10);
    if (!dialer_.IsIdle() || (relays_.HasTimeLimits() && relays_.Size() > 0)) return kTick;
    return std::nullopt;
  }

  bool Handle(const os::Ready& ready) {
    switch (KindOf(ready.token)) {
      case Token::kSupervisor:
        return ReadSupervisor();
      case Token::kWorker:
        return ReadWorker();
      case Token::kLog:
        ReadLog();
        return true;
      case Token::kMaker:
        ConnectInbound();
        return true;
      case Token::kListener:
        AcceptInbound(IdOf(ready.token));
        return true;
      case Token::kDial:
      case Token::kResolver:
        dialer_.Ready(ready.token);
        return true;
      case Token::kClient:
      case Token::kUpstream:
        relays_.Ready(ready);
        return true;
      default:  // the worker's, and what was accepted before
        return true;
    }
  }

  // Nothing is said on it but its end: then the sandbox is over.
  bool ReadSupervisor() {
    std::array<std::uint8_t, 16> buffer{};
    const auto size = os::Read(supervisor_.Get(), buffer);
    if (!size) return size.error().value == EAGAIN;
    if (last_words_) return false;
    (void)poller_.Remove(supervisor_.Get());
    // The program is gone; what it was refused last may still wait here.
    while (ReadLog()) {
    }
    last_words_ = Clock::now() + kLastWords;
    // What has ended is told at once then.
    Wire over;
    over.kind = WireKind::kOver;
    if (HasRelays()) worker_.Send(over);
    return true;
  }

  bool HasRelays() const { return !connections_.empty(); }

  // -- Connections of the program.

  static bool IsTrap(std::uint64_t token) {
    return KindOf(token) == Token::kTrapIpv4 || KindOf(token) == Token::kTrapIpv6;
  }

  void AcceptAll(std::uint64_t token, int most) {
    const int trap =
        KindOf(token) == Token::kTrapIpv4 ? sockets_.trap4.Get() : sockets_.trap6.Get();
    for (int i = 0; i < most && !Pauses(); ++i) {
      auto accepted = os::AcceptConnected(trap);
      if (!accepted) {
        const int error = accepted.error().value;
        if (error == EMFILE || error == ENFILE) Pause();
        return;
      }
      Begin(*std::move(accepted));
    }
  }

  // At the limit nothing is accepted: what comes waits in the kernel's queue, and what the worker
  // has accepted, here.
  bool Pauses() {
    if (connections_.size() + inbound_.Waiting() < most_) return false;
    Pause();
    return true;
  }

  void Pause() {
    if (paused_) return;
    paused_ = true;
    SetTraps(os::Poller::Wants::kNothing);
    PauseProxy(true);
    if (std::exchange(said_paused_, true)) return;
    Decision decision;
    decision.kind = Decision::Kind::kLimit;
    decision.why = fmt::format("{} connections are open; more wait", connections_.size());
    Tell(decision);
  }

  // Whoever is refused ends at once, and comes here again.
  void Resume() {
    if (!paused_ || std::exchange(resuming_, true)) return;
    while (!asked_.empty() && connections_.size() < most_) {
      const Wire asked = asked_.front();
      asked_.pop_front();
      Ask(asked);
    }
    resuming_ = false;
    if (connections_.size() >= most_) return;
    paused_ = false;
    SetTraps(os::Poller::Wants::kRead);
    PauseProxy(false);
  }

  void PauseProxy(bool pauses) {
    Wire wire;
    wire.kind = WireKind::kPauseProxy;
    wire.verdict = pauses ? 0 : 1;
    worker_.Send(wire);
  }

  void SetTraps(os::Poller::Wants wants) {
    (void)poller_.Change(sockets_.trap4.Get(), Make(Token::kTrapIpv4), wants);
    (void)poller_.Change(sockets_.trap6.Get(), Make(Token::kTrapIpv6), wants);
    for (std::size_t i = 0; i < inbound_.Listeners().size(); ++i)
      (void)poller_.Change(inbound_.Listeners()[i].Get(), Make(Token::kListener, i), wants);
  }

  void Begin(os::Accepted accepted) {
    const base::Endpoint to = accepted.to;
    if (to.address == kProbe4 || to.address == kProbe6) {
      // An empty buffer has room for it.
      (void)os::Write(
          accepted.socket.Get(),
          {reinterpret_cast<const std::uint8_t*>(kProbeText.data()), kProbeText.size()});
      return;
    }
    Connection connection;
    connection.client = std::move(accepted.socket);
    Decide(std::move(connection), to.address, to.port, Protocol::kTcp, naming_.Find(to.address));
  }

  // The one place where something may go out. `host`: where a name is meant.
  void Decide(Connection connection, const std::optional<base::Address>& address,
              std::uint16_t port, Protocol protocol, const egress::Host* host) {
    const std::uint64_t id = ++next_id_;
    Decision& decision = connection.decision;
    decision.kind =
        protocol == Protocol::kTcp ? Decision::Kind::kConnection : Decision::Kind::kDatagrams;
    decision.protocol = protocol;
    decision.port = port;
    if (host) {
      connection.host = *host;
      connection.checked = protocol == Protocol::kTcp;
      decision.host = host->Text();
    } else {
      decision.address = address;
    }
    const egress::Verdict verdict =
        host ? DecideName(plan_, *host, port, protocol)
             : plan_.policy.egress.Decide(address.value_or(base::Address()), port, protocol);
    decision.allowed = verdict.allowed;
    decision.why = verdict.why;
    Dialer::Target target{connection.host, address.value_or(base::Address()), port, protocol};
    connections_.emplace(id, std::move(connection));
    if (!verdict.allowed) return Refuse(id, ProxyOutcome::kRefused);
    if (plan_.recording == Recording::kRefusing) return Refuse(id, ProxyOutcome::kUnreachable);
    dialer_.Dial(id, target);
  }

  // For a tunnel; the worker hears the answer. An empty buffer has room for the question.
  void AskProxy(const Decision& decision, Dialer::Result& result) {
    const std::string host = !decision.host.empty() ? decision.host
                             : decision.address     ? base::ToString(*decision.address)
                                                    : std::string();
    const auto request = TunnelRequest(host, decision.port, login_);
    const auto sent = os::Write(result.socket.Get(), request);
    if (sent && *sent == request.size()) return;
    result.socket.Reset();
    result.why = "the proxy on the way out cannot be asked";
  }

  void Dialled(std::uint64_t id, Dialer::Result result) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second;
    if (result.through_proxy && result.socket.IsOpen()) AskProxy(connection.decision, result);
    if (!result.socket.IsOpen()) {
      connection.decision.allowed = !result.refused;
      connection.decision.why =
          result.refused ? result.why : fmt::format("{}; {}", connection.decision.why, result.why);
      if (result.refused) connection.decision.address = result.address;
      return Refuse(id, result.refused ? ProxyOutcome::kRefused : ProxyOutcome::kUnreachable);
    }
    if (connection.decision.protocol == Protocol::kTcp) (void)os::SetNoDelay(result.socket.Get());
    if (!result.through_proxy) connection.decision.address = result.address;
    // Nothing that is said there is looked at, and so none of it is parsed.
    if (connection.of == Connection::Of::kTrap && !connection.checked && !result.through_proxy &&
        !plan_.policy.out)
      return relays_.Start(id, std::move(connection.client), std::move(result.socket), {});
    Wire wire;
    wire.id = id;
    wire.checked = connection.checked;
    wire.through_proxy = result.through_proxy;
    wire.port = connection.decision.port;
    wire.SetText(connection.decision.host);
    if (connection.decision.address) wire.address = WireAddress(*connection.decision.address);
    std::vector<base::UniqueFd> descriptors;
    if (connection.of == Connection::Of::kTrap) {
      wire.kind = WireKind::kRelay;
      descriptors.push_back(std::move(connection.client));
    } else if (connection.of == Connection::Of::kProxy) {
      wire.kind = WireKind::kProxyAnswer;
      wire.verdict = static_cast<std::uint8_t>(ProxyOutcome::kConnected);
      wire.up = connection.worker_id;
    } else {
      wire.kind = WireKind::kFlowAnswer;
      wire.verdict = 1;
      flows_[connection.worker_id] = id;
      wire.id = connection.worker_id;
    }
    descriptors.push_back(std::move(result.socket));
    worker_.Send(wire, std::move(descriptors));
  }

  void Refuse(std::uint64_t id, ProxyOutcome outcome) {
    Connection& connection = connections_.at(id);
    Wire wire;
    wire.verdict = 0;
    switch (connection.of) {
      case Connection::Of::kTrap:
        (void)os::SetResetOnClose(connection.client.Get());
        break;
      case Connection::Of::kProxy:
        wire.kind = WireKind::kProxyAnswer;
        wire.verdict = static_cast<std::uint8_t>(outcome);
        wire.up = connection.worker_id;
        worker_.Send(wire);
        break;
      case Connection::Of::kFlow:
        wire.kind = WireKind::kFlowAnswer;
        wire.id = connection.worker_id;
        worker_.Send(wire);
        break;
      case Connection::Of::kInbound:
        break;
    }
    End(id);
  }

  // -- Connections from the host to ports inside.

  void AcceptInbound(std::size_t listener) {
    while (!Pauses()) {
      const auto accepted = inbound_.Accept(listener);
      if (accepted) continue;
      const int error = accepted.error().value;
      if (error == EMFILE || error == ENFILE) Pause();
      return;
    }
  }

  void ConnectInbound() {
    for (;;) {
      auto next = inbound_.Next();
      // Nobody makes sockets any more: what waits and what comes ends here.
      if (!next) {
        (void)poller_.Remove(inbound_.Maker());
        inbound_ = Inbound();
        return;
      }
      if (!*next) return;
      ConnectInbound(**std::move(next));
    }
  }

  void ConnectInbound(Inbound::Connection both) {
    const std::uint64_t id = ++next_id_;
    Connection& connection = connections_[id];
    connection.of = Connection::Of::kInbound;
    Decision& decision = connection.decision;
    decision.kind = Decision::Kind::kInbound;
    decision.allowed = true;
    decision.port = both.port;
    decision.why = fmt::format("listen {}", both.port);
    if (!both.inside.IsOpen()) {
      decision.why += "; no socket could be made inside";
      return End(id);
    }
    relays_.Start(id, std::move(both.outside), std::move(both.inside), {});
  }

  void End(std::uint64_t id) {
    Tell(connections_.at(id).decision);
    connections_.erase(id);
    Resume();
  }

  // -- What the worker asks and says.

  bool ReadWorker() {
    constexpr int kFairShare = 64;
    for (int i = 0; i < kFairShare; ++i) {
      auto in = worker_.Receive();
      if (!in) return false;
      if (!*in) return true;
      HandleWorker((*in)->message);
    }
    return true;
  }

  void HandleWorker(const Wire& wire) {
    switch (wire.kind) {
      case WireKind::kQuestion:
        worker_.Send(naming_.Answer(wire));
        return;
      case WireKind::kProxyQuestion:
      case WireKind::kFlowQuestion:
        if (Pauses()) return asked_.push_back(wire);
        return Ask(wire);
      case WireKind::kEnded:
        return Ended(wire);
      case WireKind::kSaw: {
        Decision decision;
        decision.kind = wire.what == 1 ? Decision::Kind::kLimit : Decision::Kind::kProxy;
        decision.why = wire.Text();
        return Tell(decision);
      }
      case WireKind::kRelay:
      case WireKind::kAnswer:
      case WireKind::kProxyAnswer:
      case WireKind::kFlowAnswer:
      case WireKind::kPauseProxy:
      case WireKind::kOver:
        return;
    }
  }

  // For a client of the proxy, or a flow of datagrams.
  void Ask(const Wire& wire) {
    const bool is_flow = wire.kind == WireKind::kFlowQuestion;
    Connection connection;
    connection.of = is_flow ? Connection::Of::kFlow : Connection::Of::kProxy;
    connection.worker_id = wire.id;
    // A client may have the address that a name has inside, from our own name service.
    const auto address = wire.address.Get();
    const auto host = egress::Host::Parse(wire.Text());
    const egress::Host* name = host ? &*host : address ? naming_.Find(*address) : nullptr;
    Decide(std::move(connection), address, wire.port, is_flow ? Protocol::kUdp : Protocol::kTcp,
           name);
  }

  void Ended(const Wire& wire) {
    std::uint64_t id = wire.id;
    if (wire.protocol == 1) {
      const auto flow = flows_.extract(wire.id);
      if (flow.empty()) return;
      id = flow.mapped();
    }
    Ended(id, wire.up, wire.down, wire.Text());
  }

  void Ended(std::uint64_t id, std::uint64_t up, std::uint64_t down, std::string_view why) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Decision& decision = found->second.decision;
    decision.up = up;
    decision.down = down;
    if (!why.empty()) {
      decision.allowed = false;
      decision.why = why;
    }
    End(id);
  }

  // -- What the rules inside refused.

  // Whether there may be more.
  bool ReadLog() {
    constexpr int kFairShare = 16;
    std::array<std::uint8_t, 65536> buffer;
    for (int i = 0; i < kFairShare; ++i) {
      const auto size = os::Read(sockets_.log.Get(), buffer);
      if (!size && size.error().value == ENOBUFS) {
        reports_.AddLost();
        continue;
      }
      if (!size) return false;
      for (const auto& packet :
           os::nft::LoggedPackets(std::span<const std::uint8_t>(buffer).first(*size)))
        TellPacket(packet);
    }
    return true;
  }

  void TellPacket(const std::vector<std::uint8_t>& packet) {
    const auto read = ReadPacket(packet);
    if (!read || std::erase(probes_, read->to) > 0) return;
    Tell(AboutPacket(*read, naming_.Find(read->to.address), plan_.policy.egress));
  }

  // -- Reports.

  void Tell(const Decision& decision) {
    const bool wanted = plan_.tells_allowed || plan_.recording != Recording::kNo;
    if (decision.allowed && !wanted) return;
    reports_.Add(decision);
  }

  const Plan& plan_;
  os::Poller poller_;
  EagerWait wait_;
  base::UniqueFd supervisor_;
  Channel worker_;
  InsideSockets sockets_;
  Inbound inbound_;
  const std::string login_;  // of nobody else's memory but this process's
  std::size_t most_;
  Dialer dialer_;
  Naming naming_;
  std::vector<base::Endpoint> probes_;  // whose refusal is not the program's
  std::unordered_map<std::uint64_t, Connection> connections_;
  std::unordered_map<std::uint64_t, std::uint64_t> flows_;  // the worker's id, ours
  Relays relays_;
  std::uint64_t next_id_ = 0;
  bool paused_ = false, said_paused_ = false, resuming_ = false;
  std::deque<Wire> asked_;  // by the worker while there was no room
  ReportQueue reports_;
  std::optional<Clock::time_point> last_words_;
  Clock::time_point last_tick_ = Clock::now();
};

}  // namespace

void RunDecider(const Plan& plan, Ground ground, DeciderSockets sockets,
                const std::string& resolver, std::size_t most) {
  Decider decider(plan, std::move(ground), std::move(sockets), resolver, most);
  decider.Run();
  // The end of a sandbox waits for it: the kernel closes what it holds.
  os::Exit(0);
}

}  // namespace bailey::network
