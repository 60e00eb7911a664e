#include "pool/daemon.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "os/events.h"
#include "os/file.h"
#include "os/local_socket.h"
#include "os/process.h"
#include "os/watch.h"
#include "pool/bytes.h"
#include "pool/control.h"
#include "pool/steward.h"

namespace bailey::pool {
namespace {

using Clock = std::chrono::steady_clock;

enum Event : std::uint64_t { kSignals, kControl, kFirstSlot };

struct Slot {
  enum class State : std::uint8_t { kPreparing, kReady, kBusy };
  State state = State::kPreparing;
  os::Child steward;
  base::UniqueFd socket;
  bool dismissed = false;  // it is to go, unless somebody has come
};

class Daemon {
 public:
  Daemon(const Settings& settings, Maker& maker, base::UniqueFd listener, Control control,
         os::SignalQueue signals, os::Watch watch)
      : settings_(settings),
        maker_(maker),
        listener_(std::move(listener)),
        control_(std::move(control)),
        signals_(std::move(signals)),
        watch_(std::move(watch)) {}
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon() {
    (void)os::StopListening(listener_.Get());
    SendAll(SIGKILL);
    for (auto& [token, slot] : slots_) (void)os::WaitFor(slot.steward.pid);
  }

  base::Status Run(const std::function<void()>& ready) {
    if (const auto made = maker_.Prepare(); !made) return made;
    auto added = watch_.Add(signals_.Descriptor(), kSignals);
    if (added) added = watch_.Add(control_.Descriptor(), kControl);
    if (!added) return base::SystemError("start pool", added.error().value);
    last_use_ = Clock::now();
    bool said = false;
    while (!IsOver()) {
      if (const auto filled = Fill(); !filled) GiveUp(filled.error());
      if (!said && Count(Slot::State::kReady) == settings_.size) {
        said = true;
        ready();
      }
      const auto event = watch_.Wait(Deadline());
      if (!event) return base::SystemError("wait for callers", event.error().value);
      if (!*event) continue;
      if (const auto handled = Handle(**event); !handled) GiveUp(handled.error());
    }
    return over_;
  }

 private:
  std::size_t Count(Slot::State state) const {
    return static_cast<std::size_t>(std::ranges::count_if(slots_, [state](const auto& entry) {
      return entry.second.state == state && !entry.second.dismissed;
    }));
  }

  bool IsIdle() const {
    return Count(Slot::State::kBusy) == 0 && Clock::now() - last_use_ >= settings_.idle;
  }

  // No more sandboxes; the programs that run do so to their end.
  void GiveUp(base::Error error) {
    if (over_) over_ = std::move(error);
    BeginToStop();
  }

  bool IsOver() {
    if (!stopping_ && IsIdle()) BeginToStop();
    if (stopping_ && Count(Slot::State::kBusy) == slots_.size()) control_.Release();
    return stopping_ && slots_.empty();
  }

  std::optional<Clock::time_point> Deadline() const {
    std::optional<Clock::time_point> deadline;
    if (!stopping_ && Count(Slot::State::kBusy) == 0) deadline = last_use_ + settings_.idle;
    if (!stopping_ && fill_at_) deadline = deadline ? std::min(*deadline, *fill_at_) : *fill_at_;
    return deadline;
  }

  base::Status Fill() {
    if (stopping_) return {};
    const std::size_t ready = Count(Slot::State::kReady);
    const std::size_t preparing = Count(Slot::State::kPreparing);
    if (fill_at_ && Clock::now() < *fill_at_ && ready > 0) return {};
    fill_at_.reset();
    for (std::size_t now = ready + preparing; now < settings_.size; ++now)
      if (const auto started = StartSteward(); !started) return started;
    return {};
  }

  base::Status StartSteward() {
    auto pair = os::MessagePair();
    if (!pair) return base::SystemError("start a steward", pair.error().value);
    auto child = os::Fork(0);
    if (!child) return base::SystemError("start a steward", child.error().value);
    if (child->pid == 0) BecomeSteward(std::move((*pair)[1]));
    const std::uint64_t token = kFirstSlot + next_++;
    if (const auto added = watch_.Add((*pair)[0].Get(), token); !added)
      return base::SystemError("watch a steward", added.error().value);
    slots_[token] = {Slot::State::kPreparing, *std::move(child), std::move((*pair)[0])};
    return {};
  }

  // Whatever ends the pool's process ends its stewards, and each of them its sandbox.
  [[noreturn]] void BecomeSteward(base::UniqueFd owner) {
    if (!os::DieWithParent() || ::getppid() != self_ || !os::StartSession()) os::Exit(1);
    base::UniqueFd listener = std::move(listener_);
    std::vector<int> kept = maker_.Needs();
    kept.insert(kept.end(), {listener.Get(), owner.Get()});
    std::ranges::sort(kept);
    if (!os::CloseAllBut(kept)) os::Exit(1);
    maker_.BeSteward(std::move(listener), std::move(owner));
    os::Exit(0);
  }

  base::Status Handle(std::uint64_t event) {
    if (event == kSignals) {
      while (const auto signal = signals_.Next())
        if (*signal == SIGTERM || *signal == SIGINT || *signal == SIGHUP) BeginToStop();
      return {};
    }
    if (event == kControl) return Answer();
    const auto slot = slots_.find(event);
    if (slot == slots_.end()) return {};
    std::array<char, 4096> bytes;
    const auto received = os::ReceiveDescriptors(slot->second.socket.Get(), bytes, {});
    if (!received || received->size == 0) return Bury(slot);
    return Hear(slot->second, {bytes.data(), received->size});
  }

  base::Status Hear(Slot& slot, std::string_view words) {
    const bool was_ready = slot.state == Slot::State::kReady;
    switch (static_cast<Word>(words[0])) {
      case Word::kReady:
        slot.state = Slot::State::kReady;
        return {};
      case Word::kTaken:
        return Take(slot);
      case Word::kStale:
        ++status_.stale;
        // The others are of the same batch.
        Dismiss();
        if (const auto made = maker_.Prepare(); !made) return made;
        return Take(slot);
      case Word::kFailed:
        // One that was ready and has died is replaced; one that could not be made would be so
        // again.
        if (was_ready || slot.dismissed) return {};
        return base::Error{base::ErrorCode::kSystem, std::string(words.substr(1)), 0, {}, {}};
    }
    return base::Internal("hear from a steward: a word that is none");
  }

  base::Status Take(Slot& slot) {
    slot.state = Slot::State::kBusy;
    slot.dismissed = false;
    ++status_.taken;
    last_use_ = Clock::now();
    fill_at_ = last_use_ + maker_.Pause();
    return {};
  }

  base::Status Bury(std::map<std::uint64_t, Slot>::iterator slot) {
    const bool was_busy = slot->second.state == Slot::State::kBusy;
    if (was_busy) last_use_ = Clock::now();
    if (!was_busy && !slot->second.dismissed) ++status_.died;
    // One that is killed while it prepares, again and again, is a pool that cannot be.
    const bool failed = slot->second.state == Slot::State::kPreparing && !slot->second.dismissed;
    failures_ = failed ? failures_ + 1 : 0;
    (void)os::WaitFor(slot->second.steward.pid);
    slots_.erase(slot);
    fill_at_.reset();
    if (failures_ > settings_.size + 3)
      return base::SystemError("prepare a sandbox: who makes it is killed", ECHILD);
    return {};
  }

  void BeginToStop() {
    if (stopping_) return;
    stopping_ = true;
    (void)os::StopListening(listener_.Get());
    control_.GiveUp();
    Dismiss();
  }

  // Tells those that nobody has come to; who has taken a caller meanwhile does not hear it.
  void Dismiss() {
    for (auto& [token, slot] : slots_) {
      if (slot.state == Slot::State::kBusy || slot.dismissed) continue;
      (void)os::Send(slot.socket.Get(), "x");
      slot.dismissed = true;
    }
  }

  void SendAll(int signal) {
    for (auto& [token, slot] : slots_) (void)os::SendSignal(slot.steward.pidfd.Get(), signal);
  }

  base::Status Answer() {
    const auto asked = control_.Next();
    if (!asked) return asked.error();
    if (!*asked) return {};
    switch (**asked) {
      case Question::kStatus:
        control_.Reply(Encode(NowStatus()));
        return {};
      case Question::kKill:
        control_.Hold();
        BeginToStop();
        SendAll(maker_.EndSignal());
        return {};
      case Question::kStop:
        control_.Hold();
        BeginToStop();
        return {};
    }
    return {};
  }

  Status NowStatus() const {
    Status status = status_;
    status.process = static_cast<std::uint64_t>(::getpid());
    status.policy = settings_.policy;
    status.workspace = settings_.workspace;
    status.size = settings_.size;
    status.ready = Count(Slot::State::kReady);
    status.preparing = Count(Slot::State::kPreparing);
    status.busy = Count(Slot::State::kBusy);
    return status;
  }

  const Settings& settings_;
  Maker& maker_;
  base::UniqueFd listener_;
  Control control_;
  os::SignalQueue signals_;
  os::Watch watch_;
  std::map<std::uint64_t, Slot> slots_;
  std::uint64_t next_ = 0;
  Status status_;
  Clock::time_point last_use_;
  std::optional<Clock::time_point> fill_at_;
  std::size_t failures_ = 0;
  bool stopping_ = false;
  base::Status over_;  // why it ends, where nobody asked for it
  const pid_t self_ = ::getpid();
};

class SandboxMaker : public Maker {
 public:
  explicit SandboxMaker(const Recipe& recipe) : recipe_(recipe) {}
  base::Status Prepare() override {
    auto made = recipe_.make();
    if (!made) return made.error();
    batch_ = *std::move(made);
    return {};
  }
  std::vector<int> Needs() const override { return {}; }
  void BeSteward(base::UniqueFd listener, base::UniqueFd owner) override {
    RunSteward(recipe_, std::move(batch_), std::move(listener), std::move(owner));
  }

 private:
  const Recipe& recipe_;
  Batch batch_;
};

}  // namespace

std::string Encode(const Status& status) {
  return std::move(Writer()
                       .Number(status.process)
                       .Text(status.policy)
                       .Text(status.workspace)
                       .Number(status.size)
                       .Number(status.ready)
                       .Number(status.preparing)
                       .Number(status.busy)
                       .Number(status.taken)
                       .Number(status.stale)
                       .Number(status.died))
      .Take();
}

base::Result<Status> DecodeStatus(std::string_view bytes) {
  Reader reader(bytes);
  Status status;
  status.process = reader.Number();
  status.policy = reader.Text();
  status.workspace = reader.Text();
  for (std::uint64_t* number : {&status.size, &status.ready, &status.preparing, &status.busy,
                                &status.taken, &status.stale, &status.died})
    *number = reader.Number();
  if (!reader.IsWhole()) return base::InvalidInput("read a pool's status: it is not one");
  return status;
}

base::Status Serve(const Directory& directory, const Settings& settings, const Recipe& recipe,
                   const std::function<void()>& ready) {
  SandboxMaker maker(recipe);
  return Serve(directory, settings, maker, ready);
}

base::Status Serve(const Directory& directory, const Settings& settings, Maker& maker,
                   const std::function<void()>& ready) {
  if (const auto done = os::ExpectChildren(); !done)
    return base::SystemError("start pool", done.error().value);
  auto control = Control::Claim(directory, settings.name);
  if (!control) return control.error();
  auto signals = os::SignalQueue::Make();
  if (!signals) return base::SystemError("start pool", signals.error().value);
  auto watch = os::Watch::Make();
  if (!watch) return base::SystemError("start pool", watch.error().value);
  base::UniqueFd callers = control->TakeCallers();
  return Daemon(settings, maker, std::move(callers), *std::move(control), *std::move(signals),
                *std::move(watch))
      .Run(ready);
}

base::Result<std::vector<Found>> FindPools(const Directory& directory) {
  auto names = Names(directory);
  if (!names) return names.error();
  std::vector<Found> found;
  for (std::string& name : *names) {
    const auto answer = Ask(directory, name, Question::kStatus);
    // Left by a process that was killed, or ending now.
    if (!answer && answer.error().code == base::ErrorCode::kInvalidInput) continue;
    if (!answer) return answer.error();
    if (answer->empty()) continue;
    auto status = DecodeStatus(*answer);
    if (!status) return status.error();
    found.push_back({std::move(name), *std::move(status)});
  }
  return found;
}

base::Status Stop(const Directory& directory, const std::string& name, bool kill) {
  const auto answer = Ask(directory, name, kill ? Question::kKill : Question::kStop);
  if (!answer) return answer.error();
  return {};
}

}  // namespace bailey::pool
