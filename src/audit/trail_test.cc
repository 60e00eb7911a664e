#include "audit/trail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

namespace bailey::audit {
namespace {

using namespace std::chrono_literals;

// What a sink has got, and a gate that it waits at.
struct Seen {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<Event> events;
  bool is_open = true;
  std::size_t entered = 0;

  void Open(bool open) {
    const std::lock_guard lock(mutex);
    is_open = open;
    changed.notify_all();
  }
  void AwaitEntered() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered > 0; });
  }
};

class TestSink : public Sink {
 public:
  explicit TestSink(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  std::string_view Name() const override { return "test"; }
  void Write(const Event& event) override {
    std::unique_lock lock(seen_->mutex);
    ++seen_->entered;
    seen_->changed.notify_all();
    seen_->changed.wait(lock, [&] { return seen_->is_open; });
    seen_->events.push_back(event);
    if (seen_->events.size() % 10 == 0) Lose("tenth");
  }

 private:
  std::shared_ptr<Seen> seen_;
};

std::vector<std::unique_ptr<Sink>> SinksOf(const std::shared_ptr<Seen>& seen) {
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<TestSink>(seen));
  return sinks;
}

Event Denied() {
  Event event = {.decision = Decision::kDenied};
  event.detail = Call{.name = "mount"};
  return event;
}

TEST(Trail, BringsEventsToSinksInOrder) {
  auto seen = std::make_shared<Seen>();
  Trail trail("k3x", {.alerts = {{.name = "two", .count = 2, .within = 1h}}}, SinksOf(seen));
  for (int i = 0; i < 25; ++i) trail.Record(Denied());
  const Totals totals = trail.Close();
  EXPECT_EQ(totals, (Totals{.recorded = 25, .lost = {{"test", 2, "tenth"}}}));
  ASSERT_EQ(seen->events.size(), 25u);
  for (std::size_t i = 0; i < 25; ++i) {
    EXPECT_EQ(seen->events[i].sequence, i + 1);
    EXPECT_EQ(seen->events[i].sandbox, "k3x");
    EXPECT_NE(seen->events[i].time, decltype(Event::time)());
    EXPECT_EQ(seen->events[i].alerts.size(), i % 2);
  }
}

TEST(Trail, DropsTheOldestWhileASinkStands) {
  auto seen = std::make_shared<Seen>();
  seen->is_open = false;
  Trail trail("k3x", {.capacity = 4}, SinksOf(seen));
  trail.Record(Denied());
  seen->AwaitEntered();
  // The sink holds the first; four of these stay.
  for (int i = 0; i < 100; ++i) trail.Record(Denied());
  seen->Open(true);
  const Totals totals = trail.Close();
  EXPECT_GE(totals.over_capacity, 1u);
  ASSERT_GE(seen->events.size(), 2u);
  EXPECT_EQ(seen->events[0].sequence, 1u);
  const auto* const dropped = std::get_if<Dropped>(&seen->events.back().detail);
  ASSERT_NE(dropped, nullptr);
  EXPECT_EQ(dropped->where, "ring");
  // All were written or counted.
  EXPECT_EQ(seen->events.size() + totals.over_capacity, totals.recorded);
}

TEST(Trail, LeavesAStuckSinkBehind) {
  auto seen = std::make_shared<Seen>();
  seen->is_open = false;
  {
    Trail trail("k3x", {.patience = 10ms}, SinksOf(seen));
    trail.Record(Denied());
    EXPECT_TRUE(trail.Close().is_stuck);
  }
  seen->Open(true);  // its thread ends by itself
}

TEST(Trail, AdmitsWhatTheRateAllows) {
  auto seen = std::make_shared<Seen>();
  Trail trail("k3x", {.rate = 0, .burst = 2}, SinksOf(seen));
  for (int i = 0; i < 10; ++i)
    if (trail.Admits()) trail.Record(Denied());
  EXPECT_EQ(trail.Close(), (Totals{.recorded = 3, .over_rate = 8}));
  EXPECT_EQ(seen->events.back().detail, Detail(Dropped{8, "rate"}));
}

TEST(Trail, OpensWithWhatItIsGiven) {
  auto seen = std::make_shared<Seen>();
  Event opening;
  opening.detail = Launch{"agent", {"true"}};
  Trail trail("k3x", {.opening = opening}, SinksOf(seen));
  trail.Record(Denied());
  trail.Record(Denied());
  EXPECT_EQ(trail.Close().recorded, 3u);
  ASSERT_EQ(seen->events.size(), 3u);
  EXPECT_EQ(KindOf(seen->events[0].detail), "launch");
  EXPECT_EQ(seen->events[0].sequence, 1u);
}

TEST(Trail, WithoutEventsStartsNothing) {
  auto seen = std::make_shared<Seen>();
  Trail trail("k3x", {.opening = Denied()}, SinksOf(seen));
  EXPECT_EQ(trail.Close(), Totals());
  EXPECT_TRUE(seen->events.empty());
}

// A sink over a pipe whose reader is gone.
class BrokenPipe : public Sink {
 public:
  explicit BrokenPipe(int pipe) : pipe_(pipe) {}
  std::string_view Name() const override { return "pipe"; }
  void Write(const Event&) override {
    if (::write(pipe_, "x", 1) < 0) Lose(std::strerror(errno));
  }

 private:
  int pipe_;
};

TEST(Trail, ABrokenPipeIsALostEventAndNoSignal) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  std::vector<std::unique_ptr<Sink>> sinks;
  sinks.push_back(std::make_unique<BrokenPipe>(ends[1]));
  Trail trail("k3x", {}, std::move(sinks));
  trail.Record(Denied());
  trail.Record(Denied());
  const std::vector<LostAtSink> want = {{"pipe", 2, "Broken pipe"}};
  EXPECT_EQ(trail.Close().lost, want);
  ::close(ends[1]);
}

TEST(Trail, TakesEventsFromManyThreads) {
  auto seen = std::make_shared<Seen>();
  Trail trail("k3x", {.capacity = 100000}, SinksOf(seen));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 500; ++k) trail.Record(Denied());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(trail.Close().recorded, 4000u);
  EXPECT_EQ(seen->events.size(), 4000u);
}

}  // namespace
}  // namespace bailey::audit
