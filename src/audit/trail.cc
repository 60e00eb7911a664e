#include "audit/trail.h"

#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "audit/ring.h"

namespace bailey::audit {

struct Trail::Shared {
  Shared(std::string name, const TrailOptions& options, std::vector<std::unique_ptr<Sink>> all)
      : sandbox(std::move(name)),
        sinks(std::move(all)),
        bucket(options.rate, options.burst, std::chrono::steady_clock::now()),
        ring(options.capacity),
        alerts(options.alerts) {}

  const std::string sandbox;
  const std::vector<std::unique_ptr<Sink>> sinks;  // the writing thread's, once there is one
  std::mutex mutex;
  std::condition_variable changed;
  // Below: under the mutex.
  TokenBucket bucket;
  std::uint64_t over_rate = 0;
  Ring<Event> ring;
  Alerts alerts;
  std::uint64_t sequence = 0;
  bool closing = false, written = false;
  std::vector<LostAtSink> lost;  // when `written`
};

Trail::Trail(std::string sandbox, TrailOptions options, std::vector<std::unique_ptr<Sink>> sinks)
    : options_(std::move(options)),
      shared_(std::make_shared<Shared>(std::move(sandbox), options_, std::move(sinks))) {}

Trail::~Trail() { (void)Close(); }  // the totals are asked for by whoever wants them

void Trail::SetOpening(Event opening) {
  const std::lock_guard lock(shared_->mutex);
  if (options_.opening) options_.opening = std::move(opening);
}

void Trail::RecordOpening() {
  std::unique_lock lock(shared_->mutex);
  auto opening = std::exchange(options_.opening, std::nullopt);
  lock.unlock();
  if (opening) Record(*std::move(opening));
}

bool Trail::Admits() {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->bucket.Take(std::chrono::steady_clock::now())) return true;
  ++shared_->over_rate;
  return false;
}

void Trail::Record(Event event) {
  if (event.time == decltype(event.time)()) event.time = std::chrono::system_clock::now();
  const std::lock_guard lock(shared_->mutex);
  const auto push = [&](Event one) {
    one.sandbox = shared_->sandbox;
    one.sequence = ++shared_->sequence;
    shared_->alerts.Mark(one);
    shared_->ring.Push(std::move(one));
  };
  if (auto opening = std::exchange(options_.opening, std::nullopt)) push(*std::move(opening));
  push(std::move(event));
  if (!writer_.joinable()) writer_ = std::thread(&Trail::Write, shared_);
  shared_->changed.notify_all();
}

void Trail::Write(const std::shared_ptr<Shared>& shared) {
  // A sink that nobody reads any more is a lost event, and not the SIGPIPE that ends the process;
  // what else is sent to it concerns other threads.
  sigset_t all;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // it fails for an unknown SIG_BLOCK alone
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->ring.Size() > 0 || shared->closing; });
    const auto event = shared->ring.Pop();
    if (!event) break;
    lock.unlock();
    for (const auto& sink : shared->sinks) sink->Write(*event);
    lock.lock();
  }
  for (const auto& sink : shared->sinks) {
    if (sink->Lost() > 0)
      shared->lost.push_back({std::string(sink->Name()), sink->Lost(), sink->LastFault()});
  }
  shared->written = true;
  shared->changed.notify_all();
}

const Totals& Trail::Close() {
  if (std::exchange(is_closed_, true)) return totals_;
  std::unique_lock lock(shared_->mutex);
  totals_.over_rate = shared_->over_rate;
  lock.unlock();
  const auto say = [&](std::uint64_t events, const char* where) {
    if (events == 0) return;
    Event event;
    event.detail = Dropped{events, where};
    Record(std::move(event));
  };
  say(totals_.over_rate, "rate");
  lock.lock();
  const std::uint64_t over_capacity = shared_->ring.Dropped();
  lock.unlock();
  say(over_capacity, "ring");
  lock.lock();
  totals_.recorded = shared_->sequence;
  shared_->closing = true;
  shared_->changed.notify_all();
  const bool is_written =
      !writer_.joinable() ||
      shared_->changed.wait_for(lock, options_.patience, [&] { return shared_->written; });
  totals_.over_capacity = shared_->ring.Dropped();
  totals_.is_stuck = !is_written;
  totals_.lost = shared_->lost;
  lock.unlock();
  if (!writer_.joinable()) return totals_;
  if (is_written) {
    writer_.join();
  } else {
    writer_.detach();
  }
  return totals_;
}

}  // namespace bailey::audit
