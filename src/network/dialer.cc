#include "network/dialer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "network/tokens.h"
#include "os/channel.h"
#include "os/file.h"

namespace bailey::network {
namespace {

constexpr std::chrono::seconds kConnectTime{15};
constexpr std::chrono::seconds kResolveTime{20};
// Names are resolved for connections only, and not for each of a burst.
constexpr std::chrono::seconds kCacheTime{5};
constexpr std::size_t kMostCached = 4096;
os::Transport TransportOf(egress::Protocol protocol) {
  return protocol == egress::Protocol::kTcp ? os::Transport::kTcp : os::Transport::kUdp;
}

}  // namespace

void Dialer::Dial(std::uint64_t id, const Target& target) {
  Dial_& dial = dials_[id];
  dial.target = target;
  dial.deadline = Clock::now() + kResolveTime;
  const bool own_host = target.host && target.host->Text() == egress::kHostName;
  if (own_host) {
    dial.candidates = {{base::Address::V4(127, 0, 0, 1), target.port},
                       {base::Address::V6({0, 0, 0, 0, 0, 0, 0, 1}), target.port}};
    return TryNext(id);
  }
  // Datagrams do not go through an HTTP proxy.
  if (policy_.proxy && target.protocol == egress::Protocol::kTcp) {
    dial.through_proxy = true;
    if (const auto address = base::ParseAddress(policy_.proxy->host)) {
      dial.candidates = {{*address, policy_.proxy->port}};
      return TryNext(id);
    }
    return Resolve(id, policy_.proxy->host);
  }
  if (target.host) return Resolve(id, target.host->Text());
  dial.candidates = {{target.address, target.port}};
  TryNext(id);
}

bool Dialer::StartResolver() {
  if (resolver_socket_.IsOpen()) return true;
  auto pair = os::ChannelPair();
  // The resolver waits on its end.
  if (!pair || !os::SetBlocking((*pair)[1].Get())) return false;
  auto child = os::Fork(0);
  if (!child) return false;
  if (child->pid == 0) {
    std::array<char*, 2> argv = {resolver_.data(), nullptr};
    std::array<char*, 1> environment = {nullptr};
    // It dies with us: at the end of its input, and whatever happens to us.
    if (os::DieWithParent() && os::Duplicate((*pair)[1].Get(), 0) && os::CloseAllBut({}))
      (void)os::Execute(resolver_.c_str(), argv.data(), environment.data());
    os::Exit(127);
  }
  resolver_socket_ = std::move((*pair)[0]);
  return poller_.Add(resolver_socket_.Get(), Make(Token::kResolver), os::Poller::Wants::kRead)
      .has_value();
}

void Dialer::Resolve(std::uint64_t id, const std::string& name) {
  const auto cached = cache_.find(name);
  if (cached != cache_.end() && cached->second.until > Clock::now())
    return Resolved(id, std::vector(cached->second.addresses));
  auto& waiting = asked_[name];
  waiting.push_back(id);
  if (waiting.size() > 1) return;
  ResolveQuestion question;
  question.id = next_question_++;
  std::ranges::copy(std::string_view(name).substr(0, question.name.size() - 1),
                    question.name.begin());
  questions_[question.id] = name;
  const bool sent =
      StartResolver() &&
      os::SendMessage(resolver_socket_.Get(),
                      {reinterpret_cast<const std::uint8_t*>(&question), sizeof(question)});
  if (sent) return;
  questions_.erase(question.id);
  asked_.erase(name);
  Finish(id, {.why = fmt::format("the resolver {} cannot be asked", resolver_)});
}

void Dialer::ReadResolver() {
  ResolveAnswer answer;
  const auto received = os::ReceiveMessage(
      resolver_socket_.Get(), {reinterpret_cast<std::uint8_t*>(&answer), sizeof(answer)});
  if (!received && received.error().value == EAGAIN) return;
  if (!received || received->size != sizeof(answer)) {
    // Gone: whoever waits is told, and the next question starts another.
    resolver_socket_.Reset();
    questions_.clear();
    const auto asked = std::exchange(asked_, {});
    for (const auto& [name, ids] : asked)
      for (const std::uint64_t id : ids) Finish(id, {.why = "the resolver has ended"});
    return;
  }
  const auto question = questions_.find(answer.id);
  if (question == questions_.end()) return;
  std::vector<base::Address> addresses;
  for (std::size_t i = 0; i < std::min<std::size_t>(answer.count, ResolveAnswer::kMost); ++i) {
    const std::size_t size = std::min<std::size_t>(answer.sizes[i], 16);
    const auto address =
        base::Address::FromBytes(std::span<const std::uint8_t>(answer.addresses[i]).first(size));
    if (address) addresses.push_back(*address);
  }
  const std::string name = question->second;
  questions_.erase(question);
  if (cache_.size() >= kMostCached) cache_.clear();
  if (!addresses.empty()) cache_[name] = {addresses, Clock::now() + kCacheTime};
  const auto waiting = asked_.extract(name);
  if (waiting.empty()) return;
  for (const std::uint64_t id : waiting.mapped()) Resolved(id, addresses);
}

void Dialer::Resolved(std::uint64_t id, const std::vector<base::Address>& addresses) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return;
  Dial_& dial = found->second;
  if (addresses.empty()) return Finish(id, {.why = "its name does not resolve"});
  Result refused{.refused = true};
  for (const base::Address& address : addresses) {
    if (!dial.through_proxy) {
      const auto verdict =
          policy_.egress.DecideUpstream(address, dial.target.port, dial.target.protocol);
      if (!verdict.allowed) {
        refused.why = verdict.why;
        refused.address = address;
        continue;
      }
    }
    dial.candidates.push_back(
        {address, dial.through_proxy ? policy_.proxy->port : dial.target.port});
  }
  if (dial.candidates.empty()) return Finish(id, std::move(refused));
  TryNext(id);
}

void Dialer::TryNext(std::uint64_t id) {
  Dial_& dial = dials_.at(id);
  while (dial.next < dial.candidates.size()) {
    const base::Endpoint& to = dial.candidates[dial.next++];
    auto socket = os::Connect(TransportOf(dial.target.protocol), to);
    if (!socket) {
      dial.why = std::strerror(socket.error().value);
      continue;
    }
    dial.socket = std::move(*socket);
    dial.deadline = Clock::now() + kConnectTime;
    if (dial.target.protocol == egress::Protocol::kUdp)
      return Finish(id, {.socket = std::move(dial.socket), .address = to.address});
    const auto connected = os::HasConnected(dial.socket.Get(), to);
    if (!connected) {
      dial.why = std::strerror(connected.error().value);
      dial.socket.Reset();
      continue;
    }
    if (*connected) return Finish(id, Connected(dial));
    if (poller_.Add(dial.socket.Get(), Make(Token::kDial, id), os::Poller::Wants::kWrite)) return;
    dial.socket.Reset();
  }
  Finish(id, {.why = dial.why.empty() ? "it cannot be reached" : dial.why});
}

void Dialer::Ready(std::uint64_t token) {
  if (KindOf(token) == Token::kResolver) return ReadResolver();
  const std::uint64_t id = IdOf(token);
  const auto found = dials_.find(id);
  if (found == dials_.end() || !found->second.socket.IsOpen()) return;
  Dial_& dial = found->second;
  const auto connected = os::ConnectResult(dial.socket.Get());
  (void)poller_.Remove(dial.socket.Get());  // it goes to the worker, or is closed
  if (!connected) {
    dial.why = std::strerror(connected.error().value);
    dial.socket.Reset();
    return TryNext(id);
  }
  Finish(id, Connected(dial));
}

Dialer::Result Dialer::Connected(Dial_& dial) {
  return {.socket = std::move(dial.socket),
          .through_proxy = dial.through_proxy,
          .address = dial.candidates[dial.next - 1].address};
}

void Dialer::Tick(Clock::time_point now) {
  std::vector<std::uint64_t> over;
  for (const auto& [id, dial] : dials_)
    if (dial.deadline < now) over.push_back(id);
  for (const std::uint64_t id : over) {
    Dial_& dial = dials_.at(id);
    dial.why = "it did not answer in time";
    if (!dial.socket.IsOpen()) {
      Finish(id, {.why = dial.why});
      continue;
    }
    (void)poller_.Remove(dial.socket.Get());
    dial.socket.Reset();
    TryNext(id);
  }
}

void Dialer::Finish(std::uint64_t id, Result result) {
  dials_.erase(id);
  done_(id, std::move(result));
}

}  // namespace bailey::network
