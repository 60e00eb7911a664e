#include "network/worker.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "network/budgets.h"
#include "network/flows.h"
#include "network/name_service.h"
#include "network/proxy.h"
#include "network/relay.h"
#include "network/wire.h"
#include "os/inet.h"
#include "os/poller.h"

namespace bailey::network {
namespace {

using Clock = std::chrono::steady_clock;

// What a readiness is about: in the low bits of a token, with an id above.
enum class Token : std::uint8_t {
  kDecider,
  kNames,
  kNamesTcp,
  kProxy,
  kDatagrams4,
  kDatagrams6,
  kClient,
  kUpstream,
  kProxyClient,
  kDnsStream,
  kFlow,
};
constexpr unsigned kTokenBits = 4;
constexpr std::uint64_t Make(Token token, std::uint64_t id = 0) {
  return id << kTokenBits | static_cast<std::uint64_t>(token);
}

// Large reads are what makes one stream fast; with many of them less is read at once, so that what
// waits for slow readers stays bounded as a whole.
constexpr std::size_t kLargestRead = 256 << 10, kSmallestRead = 16 << 10;
constexpr std::size_t kWaitingInAll = 64 << 20;
constexpr std::size_t kMostProxyClients = 1024, kMostDnsStreams = 256;
constexpr std::chrono::seconds kTick{1};
constexpr std::size_t kEndsAtOnce = 32;
constexpr std::chrono::milliseconds kEndsWait{10};
// For a client of the proxy to say what it wants, and a query over TCP to come whole.
constexpr std::chrono::seconds kPatience{30};

struct Session {
  Relay relay;
  Clock::time_point begin, last;
  bool queued = false;
  bool watched = false;
  std::array<bool, 2> watches_writing{};  // of both sides
};

struct ProxyClient {
  base::UniqueFd socket;
  std::vector<std::uint8_t> read;
  bool greeted = false, asked = false;
  ProxyRequest request;
  Clock::time_point begin;
};

class Worker {
 public:
  Worker(os::Poller poller, base::UniqueFd decider, InsideSockets sockets,
         const WorkerLimits& limits)
      : poller_(std::move(poller)),
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
        scratch_memory_(std::make_unique_for_overwrite<std::uint8_t[]>(kLargestRead)),
        scratch_(scratch_memory_.get(), kLargestRead) {}

  void Run() {
    if (!WatchAll()) return;
    while (Turn()) {
    }
  }

 private:
  bool WatchAll() {
    using Wants = os::Poller::Wants;
    return poller_.Add(decider_.Descriptor(), Make(Token::kDecider), Wants::kRead) &&
           poller_.Add(sockets_.names.Get(), Make(Token::kNames), Wants::kRead) &&
           poller_.AddChanges(sockets_.names_tcp.Get(), Make(Token::kNamesTcp)) &&
           poller_.AddChanges(sockets_.proxy.Get(), Make(Token::kProxy)) &&
           poller_.Add(sockets_.datagrams4.Get(), Make(Token::kDatagrams4), Wants::kRead) &&
           (!sockets_.datagrams6.IsOpen() ||
            poller_.Add(sockets_.datagrams6.Get(), Make(Token::kDatagrams6), Wants::kRead));
  }

  // False when the decider is gone.
  bool Turn() {
    const auto ready = poller_.Wait(Timeout());
    if (!ready) return false;
    now_ = Clock::now();
    for (const os::Ready& one : *ready)
      if (!Handle(one)) return false;
    std::vector<std::uint64_t> more;
    more.swap(more_);
    for (const std::uint64_t id : more) {
      const auto found = sessions_.find(id);
      if (found == sessions_.end()) continue;
      found->second.queued = false;
      Pump(id, found->second);
    }
    if (now_ - last_tick_ >= kTick) Tick();
    TellEnds();
    return decider_.Flush().has_value();
  }

  std::optional<std::chrono::milliseconds> Timeout() const {
    if (!more_.empty()) return std::chrono::milliseconds(0);
    // What could not be sent goes when the decider has read; there is no readiness for that.
    if (decider_.IsWaiting()) return std::chrono::milliseconds(1);
    if (!ended_.empty()) return kEndsWait;
    const bool ticks = limits_.idle || limits_.total || !flows_.IsEmpty() ||
                       !proxy_clients_.empty() || !dns_streams_.empty();
    if (ticks) return kTick;
    return std::nullopt;
  }

  bool Handle(const os::Ready& ready) {
    const std::uint64_t id = ready.token >> kTokenBits;
    switch (static_cast<Token>(ready.token & ((1u << kTokenBits) - 1))) {
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
        WakeSession(id, Relay::Side::kClient, ready);
        return true;
      case Token::kUpstream:
        WakeSession(id, Relay::Side::kUpstream, ready);
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
        if (in.descriptors.size() == 2)
          StartRelay(in.message, std::move(in.descriptors[0]), std::move(in.descriptors[1]), {});
        return;
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
    if (!wire.unlimited) options.left = budgets_.Of(wire);
    if (wire.through_proxy) {
      const auto address = wire.address.Get();
      const std::string host(wire.Text());
      options.tunnel = true;
      const auto request =
          TunnelRequest(host.empty() && address ? base::ToString(*address) : host, wire.port);
      options.to_upstream.insert(options.to_upstream.begin(), request.begin(), request.end());
    }
    const std::uint64_t id = wire.id;
    const auto [place, added] = sessions_.emplace(
        id, Session{Relay(std::move(client), std::move(upstream), std::move(options)), now_, now_});
    if (!added) return;
    // What is there already is passed on before anything is waited for.
    Pump(id, place->second);
  }

  static Token TokenOf(Relay::Side side) {
    return side == Relay::Side::kClient ? Token::kClient : Token::kUpstream;
  }

  // Writing is waited for only where something could not be written: a socket that can be written
  // to is ready at once, for nothing.
  bool Watch(std::uint64_t id, Session& session) {
    using Wants = os::Poller::Wants;
    for (const Relay::Side side : {Relay::Side::kClient, Relay::Side::kUpstream}) {
      bool& writing = session.watches_writing[static_cast<std::size_t>(side)];
      const bool full = session.relay.IsFull(side);
      if (session.watched && (writing || !full)) continue;
      const int fd = session.relay.Descriptor(side);
      const std::uint64_t token = Make(TokenOf(side), id);
      const Wants wants = full ? Wants::kBoth : Wants::kRead;
      const auto done = session.watched ? poller_.ChangeChanges(fd, token, wants)
                                        : poller_.AddChanges(fd, token, wants);
      if (!done) return false;
      writing = full;
    }
    session.watched = true;
    return true;
  }

  void WakeSession(std::uint64_t id, Relay::Side side, const os::Ready& ready) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    found->second.relay.Wake(side, ready.read, ready.write);
    Pump(id, found->second);
  }

  void Pump(std::uint64_t id, Session& session) {
    session.last = now_;
    const std::size_t most =
        std::clamp(kWaitingInAll / sessions_.size(), kSmallestRead, kLargestRead);
    const Relay::State state = session.relay.Pump(scratch_.first(most));
    if (state == Relay::State::kEnded) return End(id, session);
    if (!Watch(id, session)) {
      session.relay.Break("");
      return End(id, session);
    }
    if (state == Relay::State::kHasMore && !std::exchange(session.queued, true))
      more_.push_back(id);
  }

  void End(std::uint64_t id, const Session& session) {
    Wire ended;
    ended.kind = WireKind::kEnded;
    ended.id = id;
    ended.up = session.relay.Up();
    ended.down = session.relay.Down();
    ended.SetText(session.relay.Why());
    sessions_.erase(id);
    if (ended_.empty()) first_ended_ = now_;
    ended_.push_back(ended);
  }

  // Ends wait a little for others, as long as the decider is not waiting for them: each waking of
  // it takes time of a connection.
  void TellEnds() {
    if (ended_.empty()) return;
    const bool many = ended_.size() >= kEndsAtOnce || paused_ ||
                      2 * (sessions_.size() + ended_.size()) >= limits_.connections;
    if (!many && now_ - first_ended_ < kEndsWait) return;
    for (const Wire& ended : ended_) decider_.Send(ended);
    ended_.clear();
  }

  void AcceptDns() {
    while (dns_streams_.size() < kMostDnsStreams) {
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
    while (!paused_ && proxy_clients_.size() < kMostProxyClients) {
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
    const auto size = os::Read(client.socket.Get(), scratch_.first(kSmallestRead));
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
    const auto found = proxy_clients_.find(in.message.up);
    if (found == proxy_clients_.end()) return;
    ProxyClient client = std::move(found->second);
    const auto outcome = static_cast<ProxyOutcome>(in.message.verdict);
    const auto reply = ProxyReply(client.request, outcome);
    if (outcome != ProxyOutcome::kConnected || in.descriptors.empty())
      return EndProxyClient(found->first, client, reply);
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
    flows_.Expire(now_, limits_.idle.value_or(Flows::kIdle), limits_.total);
    std::vector<std::uint64_t> over;
    for (const auto& [id, begin] : dns_begin_)
      if (now_ - begin > kPatience) over.push_back(id);
    for (const std::uint64_t id : over) EndDns(id);
    std::erase_if(proxy_clients_, [this](const auto& entry) {
      return !entry.second.asked && now_ - entry.second.begin > kPatience;
    });
    AcceptProxy();
    AcceptDns();
    if (!limits_.idle && !limits_.total) return;
    over.clear();
    for (auto& [id, session] : sessions_) {
      const bool idle = limits_.idle && now_ - session.last > *limits_.idle;
      const bool total = limits_.total && now_ - session.begin > *limits_.total;
      if (!idle && !total) continue;
      session.relay.Break(idle ? "nothing has passed for its idle time" : "its total time is over");
      over.push_back(id);
    }
    for (const std::uint64_t id : over) End(id, sessions_.at(id));
  }

  os::Poller poller_;
  Channel decider_;
  InsideSockets sockets_;
  WorkerLimits limits_;
  Budgets budgets_;
  NameService names_;
  Flows flows_;
  // Pages of it that are never read into are never made.
  std::unique_ptr<std::uint8_t[]> scratch_memory_;
  std::span<std::uint8_t> scratch_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::unordered_map<std::uint64_t, ProxyClient> proxy_clients_;
  std::unordered_map<std::uint64_t, DnsStream> dns_streams_;
  std::unordered_map<std::uint64_t, Clock::time_point> dns_begin_;
  std::vector<Wire> ended_;  // that the decider is not told of yet
  Clock::time_point first_ended_;
  std::vector<std::uint64_t> more_;  // sessions that had their share and have more
  std::uint64_t next_ = 0;
  bool paused_ = false;
  Clock::time_point now_ = Clock::now(), last_tick_ = now_;
};

}  // namespace

void RunWorker(base::UniqueFd decider, InsideSockets sockets, const WorkerLimits& limits) {
  auto poller = os::Poller::Make();
  if (!poller) return;
  Worker(*std::move(poller), std::move(decider), std::move(sockets), limits).Run();
}

}  // namespace bailey::network
