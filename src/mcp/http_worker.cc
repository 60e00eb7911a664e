#include "mcp/http_worker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mcp/http_listen.h"
#include "mcp/http_worker_filter.h"
#include "os/channel.h"
#include "os/confine.h"
#include "os/events.h"
#include "os/file.h"
#include "os/inet.h"
#include "os/landlock.h"
#include "os/listen.h"
#include "os/piped_child.h"
#include "os/poller.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr std::chrono::milliseconds kTick{1000};

enum class Kind : std::uint8_t { kListener, kChannel, kClient, kFromServer, kToServer };
constexpr unsigned kKindBits = 3;
constexpr std::uint64_t Token(Kind kind, std::uint64_t id = 0) {
  return id << kKindBits | static_cast<std::uint64_t>(kind);
}

// A descriptor, and what the poller was told to look for.
struct Watched {
  base::UniqueFd fd;
  os::Poller::Wants wants = os::Poller::Wants::kNothing;
};
struct ServerEnds {
  Watched input, output;
};

class Worker {
 public:
  Worker(int listener, base::UniqueFd channel, HttpFront front, os::Poller poller)
      : listener_(listener),
        channel_(std::move(channel)),
        front_(std::move(front)),
        poller_(std::move(poller)),
        buffer_(kBuffer) {}

  void Run() {
    using Wants = os::Poller::Wants;
    if (!poller_.Add(listener_, Token(Kind::kListener), Wants::kRead)) return;
    if (!poller_.Add(channel_.Get(), Token(Kind::kChannel), Wants::kRead)) return;
    auto next_tick = HttpClock::now() + kTick;
    while (!over_) {
      const auto ready = poller_.Wait(kTick);
      if (!ready) return;
      for (const os::Ready& one : *ready) Act(one);
      const auto now = HttpClock::now();
      if (now >= next_tick) {
        front_.Tick(now);
        next_tick = now + kTick;
      }
      Flush();
      Watch();
    }
  }

 private:
  void Act(const os::Ready& ready) {
    const std::uint64_t id = ready.token >> kKindBits;
    switch (static_cast<Kind>(ready.token & ((1u << kKindBits) - 1))) {
      case Kind::kListener:
        return Accept();
      case Kind::kChannel:
        return ReadChannel();
      case Kind::kClient:
        if (ready.read) ReadClient(id);
        return;  // what is to be written is tried anyhow
      case Kind::kFromServer:
        return ReadServer(id);
      case Kind::kToServer:
        return;
    }
  }

  void Accept() {
    if (!front_.HasRoom()) return;
    auto socket = os::Accept(listener_);
    if (!socket || !os::SetNonBlocking(socket->Get())) return;
    (void)os::SetNoDelay(socket->Get());  // a unix socket has no delay
    const ConnectionId id = ++last_connection_;
    if (!poller_.Add(socket->Get(), Token(Kind::kClient, id), os::Poller::Wants::kRead)) return;
    clients_.emplace(id, Watched{*std::move(socket), os::Poller::Wants::kRead});
    front_.Opened(id, HttpClock::now());
  }

  void ReadChannel() {
    ServerNumber number = 0;
    auto received = os::ReceiveMessage(channel_.Get(),
                                       {reinterpret_cast<std::uint8_t*>(&number), sizeof(number)});
    if (!received && (received.error().value == EAGAIN || received.error().value == EINTR)) return;
    if (!received || received->size != sizeof(number)) {
      over_ = true;
      return;
    }
    if (received->descriptors.size() != 2)
      return front_.ServerGone(number, "it could not be started");
    using Wants = os::Poller::Wants;
    ServerEnds ends = {{std::move(received->descriptors[0]), Wants::kNothing},
                       {std::move(received->descriptors[1]), Wants::kRead}};
    // Of one that nobody wants any more the ends are closed here.
    if (!front_.HasServer(number)) return;
    if (!poller_.Add(ends.input.fd.Get(), Token(Kind::kToServer, number), ends.input.wants) ||
        !poller_.Add(ends.output.fd.Get(), Token(Kind::kFromServer, number), ends.output.wants))
      return front_.ServerGone(number, "it could not be watched");
    servers_.emplace(number, std::move(ends));
  }

  void ReadClient(ConnectionId id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    const auto size = os::ReadOnce(found->second.fd.Get(), buffer_);
    if (!size && size.error().value == EAGAIN) return;
    if (!size || *size == 0) return CloseClient(id);
    front_.FromClient(id, {buffer_.data(), *size}, HttpClock::now());
  }

  void CloseClient(ConnectionId id) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    (void)poller_.Remove(found->second.fd.Get());  // closing it does so too
    clients_.erase(found);
    front_.ClientGone(id);
  }

  void ReadServer(ServerNumber number) {
    const auto found = servers_.find(number);
    if (found == servers_.end()) return;
    const auto size = os::ReadOnce(found->second.output.fd.Get(), buffer_);
    if (!size && size.error().value == EAGAIN) return;
    if (size && *size > 0) return front_.FromServer(number, {buffer_.data(), *size});
    CloseServer(number);
    front_.ServerGone(number, "it has ended");
  }

  void CloseServer(ServerNumber number) {
    const auto found = servers_.find(number);
    if (found == servers_.end()) return;
    (void)poller_.Remove(found->second.output.fd.Get());
    (void)poller_.Remove(found->second.input.fd.Get());
    servers_.erase(found);
  }

  // As much as goes now; the poller says when there is room again.
  void Flush() {
    for (const ServerNumber number : front_.TakeWanted()) {
      const auto sent = os::SendMessage(
          channel_.Get(), {reinterpret_cast<const std::uint8_t*>(&number), sizeof(number)});
      if (!sent) front_.ServerGone(number, "it could not be asked for");
    }
    for (auto& [number, ends] : servers_) {
      std::string& text = front_.ToServer(number);
      if (text.empty()) continue;
      const auto size = os::PatientWriter::OfOwn(ends.input.fd.Get()).Write(text);
      if (size) text.erase(0, *size);
      // One that does not listen any more ends soon, and its output with it.
      if (!size && size.error().value != EAGAIN) text.clear();
    }
    std::vector<ConnectionId> over;
    for (auto& [id, client] : clients_) {
      const std::string& text = front_.ToClient(id);
      if (!text.empty()) {
        const auto size = os::Write(
            client.fd.Get(), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        if (size) front_.Wrote(id, *size, HttpClock::now());
        if (!size && size.error().value != EAGAIN) over.push_back(id);
      }
      if (front_.IsOver(id)) over.push_back(id);
    }
    for (const ConnectionId id : over) CloseClient(id);
    for (const ServerNumber number : front_.TakeUnwanted()) CloseServer(number);
  }

  void Watch() {
    using Wants = os::Poller::Wants;
    Set(listener_, Token(Kind::kListener), front_.HasRoom() ? Wants::kRead : Wants::kNothing,
        listener_wants_);
    for (auto& [id, client] : clients_)
      Set(client.fd.Get(), Token(Kind::kClient, id),
          front_.ToClient(id).empty() ? Wants::kRead : Wants::kBoth, client.wants);
    for (auto& [number, ends] : servers_) {
      Set(ends.input.fd.Get(), Token(Kind::kToServer, number),
          front_.ToServer(number).empty() ? Wants::kNothing : Wants::kWrite, ends.input.wants);
      Set(ends.output.fd.Get(), Token(Kind::kFromServer, number),
          front_.ReadsServer(number) ? Wants::kRead : Wants::kNothing, ends.output.wants);
    }
  }

  void Set(int fd, std::uint64_t token, os::Poller::Wants wants, os::Poller::Wants& now) {
    if (wants == now) return;
    if (poller_.Change(fd, token, wants)) now = wants;
  }

  int listener_;
  os::Poller::Wants listener_wants_ = os::Poller::Wants::kRead;
  base::UniqueFd channel_;
  HttpFront front_;
  os::Poller poller_;
  std::vector<char> buffer_;
  std::map<ConnectionId, Watched> clients_;
  std::map<ServerNumber, ServerEnds> servers_;
  ConnectionId last_connection_ = 0;
  bool over_ = false;
};

}  // namespace

void RunHttpWorker(int listener, base::UniqueFd channel, const HttpRules& rules,
                   const HttpFrontLimits& limits) {
  std::array<int, 2> kept = {listener, channel.Get()};
  std::ranges::sort(kept);
  constexpr int kFailed = 1;
  if (!os::DieWithParent() || !os::CloseAllBut(kept) || !os::ResetSignals() ||
      !os::IgnoreBrokenPipes())
    os::Exit(kFailed);
  auto poller = os::Poller::Make();
  const auto filter = HttpWorkerFilter();
  if (!poller || !filter || !os::Confine(os::LandlockAbi().has_value()) ||
      !os::AttachFilter(filter->Bytes()))
    os::Exit(kFailed);
  Worker(listener, std::move(channel), HttpFront(rules, limits, RandomName), *std::move(poller))
      .Run();
  os::Exit(0);
}

}  // namespace bailey::mcp
