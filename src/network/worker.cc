#include "network/worker.h"

#include <algorithm>
#include <unordered_map>

#include "network/budgets.h"
#include "network/eager_wait.h"
#include "network/flows.h"
#include "network/name_service.h"
#include "network/proxy.h"
#include "network/relays.h"
#include "network/tokens.h"
#include "network/wire.h"
#include "os/inet.h"
#include "os/poller.h"
#include "os/process.h"

namespace bailey::network {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kProxyRead = 16 << 10;
constexpr std::chrono::seconds kTick{1};
constexpr std::size_t kEndsAtOnce = 32;
constexpr std::chrono::milliseconds kEndsWait{10};
// For a client of the proxy to say what it wants, and a query over TCP to come whole.
constexpr std::chrono::seconds kPatience{30};

struct ProxyClient {
  base::UniqueFd socket;
  std::vector<std::uint8_t> read;
  bool greeted = false, asked = false;
  ProxyRequest request;
  Clock::time_point begin;
};

class Worker {
 public:
  Worker(Ground ground, base::UniqueFd decider, InsideSockets sockets, const WorkerLimits& limits)
      : poller_(std::move(ground.poller)),
        decider_(std::move(decider)),
        sockets_(std::move(sockets)),
        limits_(limits),
        budgets_(limits.out),
        names_(sockets_.names.Get(), [this](const Wire& wire) { decider_.Send(wire); }),
        flows_(
            sockets_.raw4.Get(), sockets_.raw6.Get(), budgets_,
            [this](const Wire& wire) { decider_.Send(wire); },
            [this](int fd, std::uint64_t id) {
              (void)poller_.Add(fd, Make(Token::kFlow, id), os::Poller::Wants::kRead);
            }),
        scratch_(ground.scratch),
        relays_(poller_, scratch_, limits.time,
                [this](std::uint64_t id, const Relay& relay) { Ended(id, relay); }) {}

  void Run() {
    if (!WatchAll()) return;
    while (Turn()) {
    }
  }

 private:
  bool WatchAll() {
    using Wants = os::Poller::Wants;
    return poller_.Add(sockets_.names.Get(), Make(Token::kNames), Wants::kRead) &&
           poller_.AddChanges(sockets_.names_tcp.Get(), Make(Token::kNamesTcp)) &&
           poller_.AddChanges(sockets_.proxy.Get(), Make(Token::kProxy)) &&
           poller_.Add(sockets_.datagrams4.Get(), Make(Token::kDatagrams4), Wants::kRead) &&
           (!sockets_.datagrams6.IsOpen() ||
            poller_.Add(sockets_.datagrams6.Get(), Make(Token::kDatagrams6), Wants::kRead));
  }

  // False when the decider is gone.
  bool Turn() {
    const auto ready = wait_.Wait(poller_, Timeout());
    if (!ready) return false;
    now_ = Clock::now();
    relays_.SetNow(now_);
    for (const os::Ready& one : *ready)
      if (!Handle(one)) return false;
    relays_.PumpMore();
    if (now_ - last_tick_ >= kTick) Tick();
    TellEnds();
    return decider_.Flush().has_value();
  }

  std::optional<std::chrono::milliseconds> Timeout() const {
    if (relays_.HasMore()) return std::chrono::milliseconds(0);
    // What could not be sent goes when the decider has read; there is no readiness for that.
    if (decider_.IsWaiting()) return std::chrono::milliseconds(1);
    if (!ended_.empty()) return kEndsWait;
    const bool ticks = relays_.HasTimeLimits() || !flows_.IsEmpty() || !proxy_clients_.empty() ||
                       !dns_streams_.empty();
    if (ticks) return kTick;
    return std::nullopt;
  }

  bool Handle(const os::Ready& ready) {
    const std::uint64_t id = IdOf(ready.token);
    switch (KindOf(ready.token)) {
      case Token::kDecider:
        return ReadDecider();
      case Token::kNames:
        names_.ReadDatagrams(scratch_);
        return true;
      case Token::kNamesTcp:
        AcceptDns();
        return true;
      case Token::kProxy:
        AcceptProxy();
        return true;
      case Token::kDatagrams4:
        flows_.ReadInside(sockets_.datagrams4.Get(), scratch_);
        return true;
      case Token::kDatagrams6:
        flows_.ReadInside(sockets_.datagrams6.Get(), scratch_);
        return true;
      case Token::kClient:
      case Token::kUpstream:
        relays_.Ready(ready);
        return true;
      case Token::kProxyClient:
        ReadProxyClient(id);
        return true;
      case Token::kDnsStream:
        ServeDns(id);
        return true;
      case Token::kFlow:
        flows_.ReadOutside(id, scratch_);
        return true;
      default:  // the decider's
        return true;
    }
    return true;
  }

  bool ReadDecider() {
    constexpr int kFairShare = 64;
    for (int i = 0; i < kFairShare; ++i) {
      auto in = decider_.Receive();
      if (!in) return false;
      if (!*in) return true;
      HandleDecider(std::move(**in));
    }
    return true;
  }

  void HandleDecider(WireIn in) {
    switch (in.message.kind) {
      case WireKind::kRelay:
        if (in.descriptors.size() != 2) return TellLost(in.message.id);
        return StartRelay(in.message, std::move(in.descriptors[0]), std::move(in.descriptors[1]),
                          {});
      case WireKind::kAnswer:
        if (names_.Answer(in.message, dns_streams_)) ServeWaitingDns();
        return;
      case WireKind::kProxyAnswer:
        AnswerProxyClient(std::move(in));
        return;
      case WireKind::kFlowAnswer:
        flows_.Answer(in.message,
                      in.descriptors.empty() ? base::UniqueFd() : std::move(in.descriptors[0]));
        return;
      case WireKind::kPauseProxy:
        paused_ = in.message.verdict == 0;
        AcceptProxy();
        return;
      case WireKind::kOver:
        paused_ = true;
        flows_.EndAll();
        return;
      case WireKind::kQuestion:
      case WireKind::kProxyQuestion:
      case WireKind::kFlowQuestion:
      case WireKind::kEnded:
      case WireKind::kSaw:
        return;
    }
  }

  void StartRelay(const Wire& wire, base::UniqueFd client, base::UniqueFd upstream,
                  Relay::Options options) {
    if (wire.checked) options.host = egress::Host::Parse(wire.Text());
    options.left = budgets_.Of(wire);
    options.tunnel = wire.through_proxy;  // it has been asked
    relays_.Start(wire.id, std::move(client), std::move(upstream), std::move(options));
  }

  void TellLost(std::uint64_t id) {
    Wire ended;
    ended.kind = WireKind::kEnded;
    ended.id = id;
    ended.SetText(kNoDescriptors);
    decider_.Send(ended);
  }

  void Ended(std::uint64_t id, const Relay& relay) {
    Wire ended;
    ended.kind = WireKind::kEnded;
    ended.id = id;
    ended.up = relay.Up();
    ended.down = relay.Down();
    ended.SetText(relay.Why());
    if (ended_.empty()) first_ended_ = now_;
    ended_.push_back(ended);
  }

  // Ends wait a little for others, as long as the decider is not waiting for them: each waking of
  // it takes time of a connection.
  void TellEnds() {
    if (ended_.empty()) return;
    const bool many = ended_.size() >= kEndsAtOnce || paused_ ||
                      2 * (relays_.Size() + ended_.size()) >= limits_.connections;
    if (!many && now_ - first_ended_ < kEndsWait) return;
    for (const Wire& ended : ended_) decider_.Send(ended);
    ended_.clear();
  }

  void AcceptDns() {
    while (dns_streams_.size() < limits_.name_streams) {
      auto accepted = os::AcceptConnected(sockets_.names_tcp.Get());
      if (!accepted) return;
      const std::uint64_t id = ++next_;
      const int fd = accepted->socket.Get();
      dns_streams_[id].socket = std::move(accepted->socket);
      dns_begin_[id] = now_;
      if (!poller_.AddChanges(fd, Make(Token::kDnsStream, id))) EndDns(id);
    }
  }

  void ServeDns(std::uint64_t id) {
    const auto found = dns_streams_.find(id);
    if (found != dns_streams_.end() && !names_.Serve(id, found->second, scratch_)) EndDns(id);
  }

  void ServeWaitingDns() {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, stream] : dns_streams_)
      if (!stream.out.empty()) ids.push_back(id);
    for (const std::uint64_t id : ids) ServeDns(id);
  }

  void EndDns(std::uint64_t id) {
    dns_streams_.erase(id);
    dns_begin_.erase(id);
    AcceptDns();
  }

  void AcceptProxy() {
    while (!paused_ && proxy_clients_.size() < limits_.proxy_clients) {
      auto accepted = os::AcceptConnected(sockets_.proxy.Get());
      if (!accepted) return;
      const std::uint64_t id = ++next_;
      const int fd = accepted->socket.Get();
      ProxyClient& client = proxy_clients_[id];
      client.socket = std::move(accepted->socket);
      client.begin = now_;
      if (!poller_.Add(fd, Make(Token::kProxyClient, id), os::Poller::Wants::kRead))
        proxy_clients_.erase(id);
    }
  }

  void ReadProxyClient(std::uint64_t id) {
    const auto found = proxy_clients_.find(id);
    if (found == proxy_clients_.end() || found->second.asked) return;
    ProxyClient& client = found->second;
    const auto size = os::Read(client.socket.Get(), scratch_.first(kProxyRead));
    if (!size && size.error().value == EAGAIN) return;
    if (!size || *size == 0) {
      proxy_clients_.erase(found);
      return;
    }
    client.read.insert(client.read.end(), scratch_.begin(),
                       scratch_.begin() + static_cast<std::ptrdiff_t>(*size));
    for (;;) {
      client.request = ReadProxyRequest(client.read, client.greeted);
      if (client.request.kind != ProxyRequest::Kind::kGreeting) break;
      client.greeted = true;
      (void)os::Write(client.socket.Get(), client.request.reply);  // two bytes always fit
      client.read.erase(client.read.begin(),
                        client.read.begin() + static_cast<std::ptrdiff_t>(client.request.size));
    }
    if (client.request.kind == ProxyRequest::Kind::kIncomplete) return;
    AskForProxyClient(id, client);
  }

  void AskForProxyClient(std::uint64_t id, ProxyClient& client) {
    Wire question;
    question.id = id;
    if (client.request.kind == ProxyRequest::Kind::kRefused) {
      question.kind = WireKind::kSaw;
      question.SetText(client.request.why);
      decider_.Send(question);
      EndProxyClient(id, client, client.request.reply);
      return;
    }
    client.asked = true;
    // Level-triggered: it would be reported as long as its first bytes are not read.
    (void)poller_.Remove(client.socket.Get());
    question.kind = WireKind::kProxyQuestion;
    question.port = client.request.port;
    if (client.request.host) question.SetText(client.request.host->Text());
    if (client.request.address) question.address = WireAddress(*client.request.address);
    decider_.Send(question);
  }

  // Its answer fits into the empty buffer of its socket.
  void EndProxyClient(std::uint64_t id, const ProxyClient& client,
                      const std::vector<std::uint8_t>& reply) {
    (void)os::Write(client.socket.Get(), reply);
    (void)os::FinishSending(client.socket.Get());
    proxy_clients_.erase(id);
  }

  void AnswerProxyClient(WireIn in) {
    auto outcome = static_cast<ProxyOutcome>(in.message.verdict);
    if (outcome == ProxyOutcome::kConnected && in.descriptors.empty()) {
      TellLost(in.message.id);
      outcome = ProxyOutcome::kUnreachable;
    }
    const auto found = proxy_clients_.find(in.message.up);
    if (found == proxy_clients_.end()) return;
    ProxyClient client = std::move(found->second);
    const auto reply = ProxyReply(client.request, outcome);
    if (outcome != ProxyOutcome::kConnected) return EndProxyClient(found->first, client, reply);
    proxy_clients_.erase(found);
    Relay::Options options;
    options.to_client = reply;
    options.read.assign(client.read.begin() + static_cast<std::ptrdiff_t>(client.request.size),
                        client.read.end());
    if (client.request.kind == ProxyRequest::Kind::kForward) {
      options.to_upstream = client.request.head;
      options.only_body = client.request.body;
    }
    StartRelay(in.message, std::move(client.socket), std::move(in.descriptors[0]),
               std::move(options));
  }

  void Tick() {
    last_tick_ = now_;
    relays_.Tick();
    flows_.Expire(now_, limits_.time.idle.value_or(Flows::kIdle), limits_.time.total);
    std::vector<std::uint64_t> over;
    for (const auto& [id, begin] : dns_begin_)
      if (now_ - begin > kPatience) over.push_back(id);
    for (const std::uint64_t id : over) EndDns(id);
    std::erase_if(proxy_clients_, [this](const auto& entry) {
      return !entry.second.asked && now_ - entry.second.begin > kPatience;
    });
    AcceptProxy();
    AcceptDns();
  }

  os::Poller poller_;
  EagerWait wait_;
  Channel decider_;
  InsideSockets sockets_;
  WorkerLimits limits_;
  Budgets budgets_;
  NameService names_;
  Flows flows_;
  std::span<std::uint8_t> scratch_;
  Relays relays_;
  std::unordered_map<std::uint64_t, ProxyClient> proxy_clients_;
  std::unordered_map<std::uint64_t, DnsStream> dns_streams_;
  std::unordered_map<std::uint64_t, Clock::time_point> dns_begin_;
  std::vector<Wire> ended_;  // that the decider is not told of yet
  Clock::time_point first_ended_;
  std::uint64_t next_ = 0;
  bool paused_ = false;
  Clock::time_point now_ = Clock::now(), last_tick_ = now_;
};

}  // namespace

void RunWorker(Ground ground, base::UniqueFd decider, InsideSockets sockets,
               const WorkerLimits& limits) {
  Worker worker(std::move(ground), std::move(decider), std::move(sockets), limits);
  worker.Run();
  // The end of a sandbox waits for it: the kernel closes what it holds.
  os::Exit(0);
}

}  // namespace bailey::network
