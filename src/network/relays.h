// Connections that are passed on, all by one loop that does other things too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/unique_fd.h"
#include "network/relay.h"
#include "network/tokens.h"
#include "os/poller.h"

namespace bailey::network {

// For how long a connection may say nothing, and last.
struct TimeLimits {
  std::optional<std::chrono::milliseconds> idle, total;
};

class Relays {
 public:
  using Clock = std::chrono::steady_clock;
  // Its sockets are closed after it.
  using Ended = std::function<void(std::uint64_t id, const Relay& relay)>;

  // Large reads are what makes one stream fast.
  static constexpr std::size_t kLargestRead = 256 << 10;

  // `scratch`: of kLargestRead, for what is on its way.
  Relays(os::Poller& poller, std::span<std::uint8_t> scratch, const TimeLimits& limits, Ended ended)
      : poller_(poller), scratch_(scratch), limits_(limits), ended_(std::move(ended)) {}

  // What is there already is passed on before anything is waited for.
  void Start(std::uint64_t id, base::UniqueFd client, base::UniqueFd upstream,
             Relay::Options options);
  // One of the tokens kClient and kUpstream.
  void Ready(const os::Ready& ready);
  // Those that had their share and have more.
  bool HasMore() const { return !more_.empty(); }
  void PumpMore();

  bool HasTimeLimits() const { return limits_.idle || limits_.total; }
  // Once a turn.
  void SetNow(Clock::time_point now) { now_ = now; }
  void Tick();
  std::size_t Size() const { return sessions_.size(); }

 private:
  struct Session {
    Relay relay;
    Clock::time_point begin, last;
    bool queued = false;
    bool watched = false;
    std::array<bool, 2> watches_writing{};  // of both sides
  };

  bool Watch(std::uint64_t id, Session& session);
  void Pump(std::uint64_t id, Session& session);
  void End(std::uint64_t id);

  os::Poller& poller_;
  std::span<std::uint8_t> scratch_;
  TimeLimits limits_;
  Ended ended_;
  std::unordered_map<std::uint64_t, Session> sessions_;
  std::vector<std::uint64_t> more_;
  Clock::time_point now_ = Clock::now();
};

}  // namespace bailey::network
