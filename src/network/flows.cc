#include "network/flows.h"

#include "os/inet.h"

namespace bailey::network {
namespace {

constexpr int kFairShare = 64;
constexpr std::size_t kMostFirst = 16;

}  // namespace

std::uint64_t Flows::FlowOf(const base::Endpoint& from, const base::Endpoint& to) {
  const auto places = std::pair(from, to);
  if (const auto found = by_places_.find(places); found != by_places_.end()) return found->second;
  if (flows_.size() >= kMost) return 0;
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
    if (flow.socket.IsOpen()) {
      Send(flow, bytes);
    } else if (!flow.refused && flow.first.size() < kMostFirst) {
      flow.first.emplace_back(bytes.begin(), bytes.end());
    }
  }
}

void Flows::Send(Flow& flow, std::span<const std::uint8_t> datagram) {
  if (flow.left && *flow.left < datagram.size()) {
    flow.why = kNoMore;
    return;
  }
  // What does not fit is lost, as datagrams are.
  if (!os::Write(flow.socket.Get(), datagram)) return;
  flow.up += datagram.size();
  if (flow.left) *flow.left -= datagram.size();
}

void Flows::ReadOutside(std::uint64_t id, std::span<std::uint8_t> scratch) {
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  Flow& flow = found->second;
  for (int i = 0; i < kFairShare; ++i) {
    const auto size = os::Read(flow.socket.Get(), scratch);
    // Nobody there (ECONNREFUSED): the program hears nothing, as over any longer way.
    if (!size) return;
    flow.last = Clock::now();
    const int raw = flow.to.address.IsV6() ? raw6_ : raw4_;
    if (os::SendDatagramAs(raw, scratch.first(*size), flow.to, flow.from)) flow.down += *size;
  }
}

void Flows::Answer(const Wire& answer, base::UniqueFd socket) {
  const auto found = flows_.find(answer.id);
  if (found == flows_.end()) return;
  Flow& flow = found->second;
  flow.last = Clock::now();
  flow.refused = answer.verdict == 0 || !socket.IsOpen();
  if (!flow.refused) {
    flow.socket = std::move(socket);
    watch_(flow.socket.Get(), answer.id);
    flow.left = budgets_.Of(answer);
    for (const auto& datagram : flow.first) Send(flow, datagram);
  }
  flow.first.clear();
}

void Flows::End(std::uint64_t id) {
  const auto found = flows_.find(id);
  const Flow& flow = found->second;
  if (!flow.refused) {
    Wire ended;
    ended.kind = WireKind::kEnded;
    ended.protocol = 1;
    ended.id = id;
    ended.up = flow.up;
    ended.down = flow.down;
    ended.SetText(flow.why);
    tell_(ended);
  }
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

}  // namespace bailey::network
