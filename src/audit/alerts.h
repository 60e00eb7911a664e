// Alert rules: so many events of a kind within a time mark the event that completes them. Nothing
// else depends on a mark.
//
//   Alerts alerts({{.name = "probing", .kind = "call", .count = 100, .within = 10s}});
//   alerts.Mark(event);                                // event.alerts has "probing", or not
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "audit/event.h"

namespace bailey::audit {

struct AlertRule {
  std::string name;
  std::string kind;  // "call", "file"...; empty: of every kind
  std::string call;  // only of this call; empty: of every one
  std::uint64_t count = 1;
  std::chrono::milliseconds within{};
  bool operator==(const AlertRule&) const = default;
};

class Alerts {
 public:
  explicit Alerts(std::vector<AlertRule> rules);

  // Looks at denials only. A rule that was raised counts anew.
  void Mark(Event& event);

 private:
  // Times of the latest events that a rule counts, in slots of a quarter of its time: a rule that
  // waits for a million events keeps four numbers.
  struct Slot {
    std::chrono::sys_time<std::chrono::nanoseconds> begin;
    std::uint64_t events = 0;
  };
  struct State {
    AlertRule rule;
    std::deque<Slot> slots;
    std::uint64_t events = 0;
  };
  std::vector<State> states_;
};

}  // namespace bailey::audit
