#include "mcp/http_listen.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/address.h"
#include "base/text.h"
#include "mcp/http_worker.h"
#include "os/channel.h"
#include "os/events.h"
#include "os/file.h"
#include "os/inet.h"
#include "os/listen.h"
#include "os/piped_child.h"
#include "os/poller.h"
#include "os/process.h"
#include "os/vmm.h"

namespace bailey::mcp {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{15};

bool IsLoopback(const base::Address& address) {
  return base::AddressRange{base::Address::V4(127, 0, 0, 0), 8}.Contains(address) ||
         address == *base::ParseAddress("::1");
}

base::Error CannotListen(std::string_view where, std::string_view cause) {
  return base::InvalidInput(fmt::format("listen on {}: {}", base::Escape(where), cause));
}

base::Result<base::Endpoint> ReadEndpoint(std::string_view where) {
  const std::size_t colon = where.rfind(':');
  if (colon == std::string_view::npos)
    return CannotListen(where, "expected ADDRESS:PORT or unix:PATH");
  std::string_view host = where.substr(0, colon);
  const std::string_view digits = where.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return CannotListen(where, "its port is no number up to 65535");
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = base::ParseAddress(host);
  if (!address) return CannotListen(where, "expected an address of this machine, or localhost");
  return base::Endpoint{*address, port};
}

}  // namespace

Listener::Listener(Listener&& other) noexcept
    : socket_(std::move(other.socket_)),
      url_(std::move(other.url_)),
      host_(std::move(other.host_)),
      path_(std::exchange(other.path_, {})),
      port_(other.port_) {}

Listener::~Listener() {
  if (!path_.empty()) (void)::unlink(path_.c_str());  // there is nobody to tell
}

base::Result<Listener> Listener::Open(std::string_view where, bool anywhere) {
  Listener listener;
  constexpr std::string_view kUnix = "unix:";
  const std::string text(where);
  if (where.starts_with(kUnix)) {
    auto socket = os::ListenOnPath(where.substr(kUnix.size()));
    if (!socket) return base::SystemError("listen on " + text, socket.error().value);
    listener.socket_ = *std::move(socket);
    listener.path_ = listener.url_ = text;
    listener.path_.erase(0, kUnix.size());
    // A client that has gone away before it was accepted is not waited for.
    if (const auto set = os::SetNonBlocking(listener.socket_.Get()); !set)
      return base::SystemError("listen on " + text, set.error().value);
    return listener;
  }
  const auto endpoint = ReadEndpoint(where);
  if (!endpoint) return endpoint.error();
  if (!anywhere && !IsLoopback(endpoint->address))
    return CannotListen(where,
                        "other machines reach it, and nothing is encrypted "
                        "(--listen-anywhere says that this is meant)");
  auto socket = os::BindSocket(os::Transport::kTcp, *endpoint);
  if (!socket) return base::SystemError("listen on " + text, socket.error().value);
  const auto bound = os::LocalEndpoint(socket->Get());
  if (!bound) return base::SystemError("listen on " + text, bound.error().value);
  listener.socket_ = *std::move(socket);
  listener.url_ = fmt::format("http://{}/mcp", base::ToString(*bound));
  listener.port_ = bound->port;
  listener.host_ = base::ToString(*bound);
  listener.host_.erase(listener.host_.rfind(':'));
  return listener;
}

HttpRules Listener::Rules(std::vector<std::string> more_hosts,
                          std::vector<std::string> more_origins) const {
  if (path_.empty()) return RulesFor(host_, port_, std::move(more_hosts), std::move(more_origins));
  HttpRules rules;
  rules.origins = std::move(more_origins);
  return rules;
}

std::string RandomName() {
  std::array<std::uint8_t, 16> bytes = {};
  if (!os::FillRandom(bytes)) return {};
  std::string name;
  for (const std::uint8_t byte : bytes) name += fmt::format("{:02x}", byte);
  return name;
}

namespace {

// Starts servers when the worker asks for them, and reaps them.
class Supervisor {
 public:
  Supervisor(const ServeHttpOptions& options, base::UniqueFd channel, os::Child worker,
             os::SignalQueue signals, os::Poller poller)
      : options_(options),
        channel_(std::move(channel)),
        worker_(std::move(worker)),
        signals_(std::move(signals)),
        poller_(std::move(poller)),
        most_(options.limits.sessions + options.limits.shared) {}

  base::Status Run() {
    base::Status done = Watch();
    while (!over_ && done) done = Step(std::nullopt);
    over_ = true;
    auto finished = Finish();
    return done ? finished : done;
  }

 private:
  // What a readiness is about; a child's pid is behind the last.
  static constexpr std::uint64_t kSignals = 0, kWorker = 1, kChannel = 2, kChild = 3;

  base::Status Watch() {
    using Wants = os::Poller::Wants;
    const bool watched = poller_.Add(signals_.Descriptor(), kSignals, Wants::kRead) &&
                         poller_.Add(worker_.pidfd.Get(), kWorker, Wants::kRead) &&
                         poller_.Add(channel_.Get(), kChannel, Wants::kRead);
    if (!watched) return base::SystemError("wait for servers", errno);
    return {};
  }

  base::Status Step(std::optional<std::chrono::milliseconds> time) {
    const auto ready = poller_.Wait(time);
    if (!ready) return base::SystemError("wait for servers", ready.error().value);
    for (const os::Ready& one : *ready) {
      base::Status done;
      if (one.token == kSignals) TakeSignals();
      if (one.token == kWorker && worker_.pid > 0) done = WorkerEnded();
      if (one.token == kChannel && !over_) done = StartServer();
      if (one.token >= kChild) Reap(static_cast<pid_t>(one.token - kChild));
      if (!done) return done;
    }
    return {};
  }

  void TakeSignals() {
    while (const auto signal = signals_.Next())
      if (*signal != SIGWINCH && *signal != SIGCONT) over_ = true;
  }

  base::Status WorkerEnded() {
    const auto ended = os::WaitFor(worker_.pid);
    worker_.pid = -1;
    if (!ended) return base::SystemError("wait for the gateway", ended.error().value);
    return base::Internal("serve HTTP: the gateway has ended");
  }

  void Reap(pid_t pid) {
    (void)os::WaitFor(pid);  // how it ended it has said itself
    std::erase_if(children_, [&](const os::PipedChild& child) { return child.pid == pid; });
  }

  base::Status StartServer() {
    ServerNumber number = 0;
    const auto received = os::ReceiveMessage(
        channel_.Get(), {reinterpret_cast<std::uint8_t*>(&number), sizeof(number)});
    if (!received && received.error().value == EAGAIN) return {};
    if (!received || received->size != sizeof(number)) return {};  // its end says the rest
    std::array<std::uint8_t, sizeof(number)> message;
    std::memcpy(message.data(), &number, sizeof(number));
    // Those that are on their way out count too.
    if (children_.size() >= 2 * most_) return Answer(message, {});
    auto child = os::StartPiped(options_.command.front(), options_.command);
    if (!child) return Answer(message, {});
    const std::array<int, 2> ends = {child->input.Get(), child->output.Get()};
    auto done = Answer(message, ends);
    child->input.Reset();
    child->output.Reset();
    if (!poller_.Add(child->pidfd.Get(), kChild + static_cast<std::uint64_t>(child->pid),
                     os::Poller::Wants::kRead))
      return base::SystemError("wait for servers", errno);
    children_.push_back(*std::move(child));
    return done;
  }

  base::Status Answer(std::span<const std::uint8_t> message, std::span<const int> ends) {
    const auto sent = os::SendMessage(channel_.Get(), message, ends);
    if (!sent) return base::SystemError("tell the gateway", sent.error().value);
    return {};
  }

  base::Status Finish() {
    if (worker_.pid > 0) {
      (void)os::SendSignal(worker_.pidfd.Get(), SIGKILL);
      (void)os::WaitFor(worker_.pid);
    }
    (void)poller_.Remove(channel_.Get());  // it is gone with its descriptor anyhow
    channel_.Reset();
    for (const os::PipedChild& child : children_)
      (void)os::SendSignal(child.pidfd.Get(), SIGTERM);  // one that has ended needs none
    const auto deadline = Clock::now() + kPatience;
    while (!children_.empty() && Clock::now() < deadline)
      if (!Step(std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()))) break;
    for (const os::PipedChild& child : children_) {
      (void)os::SendSignal(child.pidfd.Get(), SIGKILL);
      (void)os::WaitFor(child.pid);
    }
    return {};
  }

  const ServeHttpOptions& options_;
  base::UniqueFd channel_;
  os::Child worker_;
  os::SignalQueue signals_;
  os::Poller poller_;
  std::size_t most_;
  std::vector<os::PipedChild> children_;
  bool over_ = false;
};

}  // namespace

base::Status ServeHttp(Listener listener, const ServeHttpOptions& options) {
  if (const auto ignored = os::IgnoreBrokenPipes(); !ignored)
    return base::SystemError("ignore broken pipes", ignored.error().value);
  auto pair = os::ChannelPair();
  if (!pair) return base::SystemError("start the gateway", pair.error().value);
  auto worker = os::Fork(0);
  if (!worker) return base::SystemError("start the gateway", worker.error().value);
  if (worker->pid == 0)
    RunHttpWorker(listener.Socket(), std::move((*pair)[1]), options.rules, options.limits);
  (*pair)[1].Reset();
  auto signals = os::SignalQueue::Make();
  if (!signals) return base::SystemError("wait for signals", signals.error().value);
  auto poller = os::Poller::Make();
  if (!poller) return base::SystemError("wait for servers", poller.error().value);
  return Supervisor(options, std::move((*pair)[0]), *std::move(worker), *std::move(signals),
                    *std::move(poller))
      .Run();
}

}  // namespace bailey::mcp
