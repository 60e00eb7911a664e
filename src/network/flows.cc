#include "network/flows.h"

#include <cerrno>
#include <utility>

#include "os/inet.h"

namespace bailey::network {
namespace {

constexpr int kFairShare = 64;
constexpr std::size_t kMostFirst = 16;

}  // namespace

std::uint64_t Flows::FlowOf(const base::Endpoint& from, const base::Endpoint& to) {
  const auto places = std::pair(from, to);
  if (const auto found = by_places_.find(places); found != by_places_.end()) return found->second;
  if (flows_.size() >= kMost) {
    if (std::exchange(said_full_, true)) return 0;
    Wire full;
    full.kind = WireKind::kSaw;
    full.what = 1;
    full.SetText("4096 flows of datagrams are open; more are lost");
    static_assert(kMost == 4096);
    tell_(full);
    return 0;
  }
  const std::uint64_t id = next_++;
  by_places_[places] = id;
  Flow& flow = flows_[id];
  flow.from = from;
  flow.to = to;
  flow.begin = Clock::now();
  Wire question;
  question.kind = WireKind::kFlowQuestion;
  question.id = id;
  question.address = WireAddress(to.address);
  question.port = to.port;
  question.from = WireAddress(from.address);
  question.from_port = from.port;
  tell_(question);
  return id;
}

void Flows::ReadInside(int socket, std::span<std::uint8_t> scratch) {
  for (int i = 0; i < kFairShare; ++i) {
    const auto datagram = os::ReceiveDatagram(socket, scratch);
    if (!datagram) return;
    const std::uint64_t id = FlowOf(datagram->from, datagram->to);
    if (id == 0) continue;
    Flow& flow = flows_[id];
    flow.last = Clock::now();
    const auto bytes = scratch.first(datagram->size);
    if (flow.refused) {
      Bounce(flow);
    } else if (flow.socket.IsOpen()) {
      Send(id, flow, bytes);
    } else if (flow.first.size() < kMostFirst) {
      flow.first.emplace_back(bytes.begin(), bytes.end());
    }
  }
}

void Flows::Bounce(const Flow& flow) {
  const int raw = flow.to.address.IsV6() ? raw6_ : raw4_;
  (void)os::SendUnreachable(raw, flow.from, flow.to);  // lost, it is as over any longer way
}

void Flows::Send(std::uint64_t id, Flow& flow, std::span<const std::uint8_t> datagram) {
  if (flow.refused) return;
  if (flow.left && *flow.left < datagram.size()) {
    TellEnd(id, flow, kNoMore);
    flow.refused = true;
    flow.socket.Reset();
    return Bounce(flow);
  }
  const auto written = os::Write(flow.socket.Get(), datagram);
  // What an earlier datagram met. This one was not sent.
  if (!written && written.error().value == ECONNREFUSED) return Bounce(flow);
  // What does not fit is lost, as datagrams are.
  if (!written) return;
  flow.up += datagram.size();
  if (flow.left) *flow.left -= datagram.size();
}

void Flows::ReadOutside(std::uint64_t id, std::span<std::uint8_t> scratch) {
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  Flow& flow = found->second;
  for (int i = 0; i < kFairShare; ++i) {
    const auto size = os::Read(flow.socket.Get(), scratch);
    if (!size && size.error().value == ECONNREFUSED) Bounce(flow);
    if (!size) return;
    flow.last = Clock::now();
    const int raw = flow.to.address.IsV6() ? raw6_ : raw4_;
    if (os::SendDatagramAs(raw, scratch.first(*size), flow.to, flow.from)) flow.down += *size;
  }
}

void Flows::Answer(const Wire& answer, base::UniqueFd socket) {
  const auto found = flows_.find(answer.id);
  // Nothing passed for long while it waited.
  if (found == flows_.end()) return answer.verdict == 0 ? void() : TellEnd(answer.id, {}, "");
  Flow& flow = found->second;
  flow.last = Clock::now();
  flow.refused = answer.verdict == 0 || !socket.IsOpen();
  if (flow.refused) {
    if (answer.verdict != 0) TellEnd(answer.id, flow, kNoDescriptors);
    Bounce(flow);
  } else {
    flow.socket = std::move(socket);
    watch_(flow.socket.Get(), answer.id);
    flow.left = budgets_.Of(answer);
    for (const auto& datagram : flow.first) Send(answer.id, flow, datagram);
  }
  flow.first.clear();
}

void Flows::TellEnd(std::uint64_t id, const Flow& flow, std::string_view why) {
  Wire ended;
  ended.kind = WireKind::kEnded;
  ended.protocol = 1;
  ended.id = id;
  ended.up = flow.up;
  ended.down = flow.down;
  ended.SetText(why);
  tell_(ended);
}

void Flows::End(std::uint64_t id) {
  const auto found = flows_.find(id);
  const Flow& flow = found->second;
  if (!flow.refused) TellEnd(id, flow, "");
  by_places_.erase({flow.from, flow.to});
  flows_.erase(found);
}

void Flows::Expire(Clock::time_point now, std::chrono::milliseconds idle,
                   std::optional<std::chrono::milliseconds> total) {
  std::vector<std::uint64_t> over;
  for (const auto& [id, flow] : flows_)
    if (now - flow.last > idle || (total && now - flow.begin > *total)) over.push_back(id);
  for (const std::uint64_t id : over) End(id);
}

void Flows::EndAll() {
  while (!flows_.empty()) End(flows_.begin()->first);
}

}  // namespace bailey::network
