// The events of one sandbox on their way to sinks. Whoever records is never kept waiting by a sink:
// between the two is a ring of fixed capacity, and a thread of its own that empties it, which is
// started by the first event.
//
//   audit::Trail trail("k3x-1", options, std::move(sinks));
//   if (trail.Admits()) trail.Record(std::move(event));
//   const audit::Totals totals = trail.Close();
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audit/alerts.h"
#include "audit/event.h"
#include "audit/sink.h"
#include "audit/token_bucket.h"

namespace bailey::audit {

struct TrailOptions {
  std::size_t capacity = 4096;  // of the ring, in events
  std::uint64_t rate = 100;     // events a second that go on to sinks, once `burst` are used up
  std::uint64_t burst = 1000;
  std::vector<AlertRule> alerts;
  std::optional<Event> opening;  // comes before the first other event, and not without one
  // For a sink that does not come to an end, how long Close waits.
  std::chrono::milliseconds patience{1000};
};

struct LostAtSink {
  std::string sink;
  std::uint64_t events = 0;
  std::string fault;  // the latest
  bool operator==(const LostAtSink&) const = default;
};

struct Totals {
  std::uint64_t recorded = 0;  // that came into the ring
  std::uint64_t over_rate = 0;
  std::uint64_t over_capacity = 0;  // pushed out of the ring before a sink saw them
  bool is_stuck = false;            // a sink had not come to an end when Close gave up
  std::vector<LostAtSink> lost;
  bool operator==(const Totals&) const = default;
};

class Trail {
 public:
  Trail(std::string sandbox, TrailOptions options, std::vector<std::unique_ptr<Sink>> sinks);
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;
  ~Trail();

  // Instead of the one in the options, as long as that has not come.
  void SetOpening(Event opening);

  // The opening without another event; nothing where it has come.
  void RecordOpening();

  // Whether the rate leaves room for one more event. When not, it is counted as dropped: what costs
  // work (reading a program's memory) is done only for events that are admitted. From any thread.
  bool Admits();
  // Gives the event its sandbox and sequence, its time unless it has one, and its alerts. From any
  // thread. Not after Close.
  void Record(Event event);

  bool HasRecorded() const { return writer_.joinable(); }

  // Writes what is in the ring, and, where something was dropped, one event that says so. A sink
  // that is stuck is left behind after `patience`. A second Close returns what the first did.
  const Totals& Close();

 private:
  struct Shared;

  static void Write(const std::shared_ptr<Shared>& shared);

  TrailOptions options_;
  std::shared_ptr<Shared> shared_;  // with the writing thread, which may outlive a stuck Trail
  std::thread writer_;
  bool is_closed_ = false;
  Totals totals_;
};

}  // namespace bailey::audit
