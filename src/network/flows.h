// The worker's part of UDP: a flow for each pair of places that datagrams go between.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "network/budgets.h"
#include "network/wire.h"

namespace bailey::network {

class Flows {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMost = 4096;
  static constexpr std::chrono::seconds kIdle{60};

  using Tell = std::function<void(const Wire&)>;
  // The raw sockets stay the caller's. `watch` is told a new socket and its flow.
  Flows(int raw4, int raw6, Budgets& budgets, Tell tell,
        std::function<void(int, std::uint64_t)> watch)
      : raw4_(raw4),
        raw6_(raw6),
        budgets_(budgets),
        tell_(std::move(tell)),
        watch_(std::move(watch)) {}

  // Datagrams of the program, from a transparent socket.
  void ReadInside(int socket, std::span<std::uint8_t> scratch);
  // Datagrams from the other side of a flow.
  void ReadOutside(std::uint64_t id, std::span<std::uint8_t> scratch);
  // The decider has decided about a flow.
  void Answer(const Wire& answer, base::UniqueFd socket);
  // The program is gone: all flows have ended.
  void EndAll();
  // Ends flows in which nothing has passed for long, and those that are older than `total`.
  void Expire(Clock::time_point now, std::chrono::milliseconds idle,
              std::optional<std::chrono::milliseconds> total);
  bool IsEmpty() const { return flows_.empty(); }

 private:
  struct Flow {
    base::Endpoint from, to;
    base::UniqueFd socket;  // not open: not decided yet, or refused
    bool refused = false;   // or over: nothing passes any more, and the decider knows
    std::vector<std::vector<std::uint8_t>> first;  // datagrams that came before the decision
    std::uint64_t up = 0, down = 0;
    std::shared_ptr<std::uint64_t> left;  // as of a Relay
    Clock::time_point begin, last;
  };
  void Send(std::uint64_t id, Flow& flow, std::span<const std::uint8_t> datagram);
  // The program hears at once that nothing gets there.
  void Bounce(const Flow& flow);
  void TellEnd(std::uint64_t id, const Flow& flow, std::string_view why);
  std::uint64_t FlowOf(const base::Endpoint& from, const base::Endpoint& to);
  void End(std::uint64_t id);

  int raw4_, raw6_;
  Budgets& budgets_;
  Tell tell_;
  std::function<void(int, std::uint64_t)> watch_;
  std::map<std::pair<base::Endpoint, base::Endpoint>, std::uint64_t> by_places_;
  std::unordered_map<std::uint64_t, Flow> flows_;
  std::uint64_t next_ = 1;
  bool said_full_ = false;
};

}  // namespace bailey::network
