#include "network/relays.h"

#include <algorithm>
#include <utility>

namespace bailey::network {
namespace {

// With many connections less is read at once, so that what waits for slow readers stays bounded as
// a whole.
constexpr std::size_t kSmallestRead = 16 << 10;
constexpr std::size_t kWaitingInAll = 64 << 20;

Token TokenOf(Relay::Side side) {
  return side == Relay::Side::kClient ? Token::kClient : Token::kUpstream;
}

}  // namespace

void Relays::Start(std::uint64_t id, base::UniqueFd client, base::UniqueFd upstream,
                   Relay::Options options) {
  const auto [place, added] = sessions_.emplace(
      id, Session{Relay(std::move(client), std::move(upstream), std::move(options)), now_, now_});
  if (added) Pump(id, place->second);
}

// Writing is waited for only where something could not be written: a socket that can be written to
// is ready at once, for nothing.
bool Relays::Watch(std::uint64_t id, Session& session) {
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

void Relays::Ready(const os::Ready& ready) {
  const std::uint64_t id = IdOf(ready.token);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const bool client = KindOf(ready.token) == Token::kClient;
  found->second.relay.Wake(client ? Relay::Side::kClient : Relay::Side::kUpstream, ready);
  Pump(id, found->second);
}

void Relays::PumpMore() {
  for (const std::uint64_t id : std::exchange(more_, {})) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    found->second.queued = false;
    Pump(id, found->second);
  }
}

void Relays::Pump(std::uint64_t id, Session& session) {
  session.last = now_;
  const std::size_t most =
      std::clamp(kWaitingInAll / sessions_.size(), kSmallestRead, kLargestRead);
  const Relay::State state = session.relay.Pump(scratch_.first(most));
  if (state == Relay::State::kEnded) return End(id);
  if (!Watch(id, session)) {
    session.relay.Break("");
    return End(id);
  }
  if (state == Relay::State::kHasMore && !std::exchange(session.queued, true)) more_.push_back(id);
}

void Relays::End(std::uint64_t id) {
  const auto session = sessions_.extract(id);
  ended_(id, session.mapped().relay);
}

void Relays::Tick() {
  if (!HasTimeLimits()) return;
  std::vector<std::uint64_t> over;
  for (auto& [id, session] : sessions_) {
    const bool idle = limits_.idle && now_ - session.last > *limits_.idle;
    const bool total = limits_.total && now_ - session.begin > *limits_.total;
    if (!idle && !total) continue;
    session.relay.Break(idle ? "nothing has passed for its idle time" : "its total time is over");
    over.push_back(id);
  }
  for (const std::uint64_t id : over) End(id);
}

}  // namespace bailey::network
