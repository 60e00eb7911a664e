#include "audit/alerts.h"

#include <utility>

namespace bailey::audit {
namespace {

constexpr int kSlots = 4;

bool Counts(const AlertRule& rule, const Event& event) {
  if (event.decision != Decision::kDenied) return false;
  if (!rule.kind.empty() && rule.kind != KindOf(event.detail)) return false;
  if (rule.call.empty()) return true;
  const auto* const call = std::get_if<Call>(&event.detail);
  return call != nullptr && call->name == rule.call;
}

}  // namespace

Alerts::Alerts(std::vector<AlertRule> rules) {
  for (AlertRule& rule : rules) states_.push_back({std::move(rule), {}, 0});
}

void Alerts::Mark(Event& event) {
  for (State& state : states_) {
    if (!Counts(state.rule, event)) continue;
    while (!state.slots.empty() && state.slots.front().begin + state.rule.within < event.time) {
      state.events -= state.slots.front().events;
      state.slots.pop_front();
    }
    const bool begins =
        state.slots.empty() || state.slots.back().begin + state.rule.within / kSlots < event.time;
    if (begins) state.slots.push_back({event.time, 0});
    ++state.slots.back().events;
    if (++state.events < state.rule.count) continue;
    event.alerts.push_back(state.rule.name);
    state.slots.clear();
    state.events = 0;
  }
}

}  // namespace bailey::audit
