#include "microvm/maker.h"

#include <signal.h>

#include <array>
#include <optional>

#include "microvm/handing.h"
#include "os/events.h"
#include "os/local_socket.h"
#include "os/process.h"
#include "os/watch.h"
#include "pool/message.h"
#include "pool/peer.h"
#include "pool/steward.h"

namespace bailey::microvm {
namespace {

// A caller that has connected and asks for nothing must not keep a machine from others.
constexpr std::chrono::seconds kPatience{5};

// Others are nothing to a steward: one that was stopped goes on (SIGCONT) as if nothing had been.
bool IsToldToEnd(os::SignalQueue& signals) {
  bool told = false;
  while (const auto signal = signals.Next())
    told |= *signal == SIGTERM || *signal == SIGINT || *signal == SIGHUP;
  return told;
}

class Steward {
 public:
  Steward(const std::string& contents, base::UniqueFd listener, base::UniqueFd owner)
      : contents_(contents), listener_(std::move(listener)), owner_(std::move(owner)) {}

  base::Status Serve(const Original& original, const Prover& prover) {
    // Before the machine, and until it has been taken down.
    auto signals = os::SignalQueue::Make();
    if (!signals) return base::SystemError("wait for a caller", signals.error().value);
    auto copy = original.MakeCopy(prover, *signals);
    if (!copy) return copy.error();
    const auto self = pool::Self::Look();
    if (!self) return self.error();
    if (const auto come = AwaitCaller(*self, *signals, copy->vmm); !come) return come;
    const Handed handed = {std::move(copy->line), std::move(copy->changes), std::move(copy->slots)};
    // One that goes at once has had its machine.
    const auto sent = SendHanded(connection_.Get(), handed);
    Tell(pool::Word::kTaken);
    return sent ? WatchOver(*signals, copy->vmm) : base::Status();
  }
  void Tell(pool::Word word, const std::string& text = {}) const {
    // The pool's process is gone, or this one has been told to go: then nobody listens.
    (void)os::SendDescriptors(owner_.Get(), static_cast<char>(word) + text, {});
  }

 private:
  base::Status AwaitCaller(const pool::Self& self, os::SignalQueue& signals, Vmm& vmm) {
    enum Event : std::uint64_t { kMachine, kOwner, kCaller, kSignal };
    const auto watch = os::Watch::Make();
    if (!watch) return base::SystemError("wait for a caller", watch.error().value);
    auto added = watch->Add(vmm.Descriptor(), kMachine);
    if (added) added = watch->Add(owner_.Get(), kOwner);
    if (added) added = watch->AddShared(listener_.Get(), kCaller);
    if (added) added = watch->Add(signals.Descriptor(), kSignal);
    if (!added) return base::SystemError("wait for a caller", added.error().value);
    Tell(pool::Word::kReady);
    while (!connection_.IsOpen()) {
      const auto event = watch->Wait(std::nullopt);
      if (!event) return base::SystemError("wait for a caller", event.error().value);
      if (**event == kMachine) return vmm.WhyEnded();
      if (**event == kSignal && !IsToldToEnd(signals)) continue;
      if (**event != kCaller) return base::Unsupported("wait for a caller: the pool has ended");
      if (const auto met = Meet(self); !met) return met;
    }
    listener_.Reset();
    return {};
  }

  // One that is turned away leaves the machine to the next.
  base::Status Meet(const pool::Self& self) {
    auto accepted = os::AcceptConnection(listener_.Get());
    if (!accepted) return base::SystemError("accept a caller", accepted.error().value);
    if (*accepted && self.CheckPeer((*accepted)->Get()) && AsksForThis((*accepted)->Get()))
      connection_ = **std::move(accepted);
    return {};
  }

  bool AsksForThis(int connection) const {
    const os::Interest reads[] = {{connection}};
    const auto ready = os::WaitReady(reads, std::chrono::steady_clock::now() + kPatience);
    if (!ready || !*ready) return false;
    const pool::Buffer bytes;
    const auto received = os::ReceiveDescriptors(connection, bytes.All(), {});
    return received && bytes.First(received->size) == contents_;
  }

  // Until one of the two has gone, or this is to end.
  base::Status WatchOver(os::SignalQueue& signals, Vmm& vmm) {
    const os::Interest interests[] = {
        {connection_.Get()}, {vmm.Descriptor()}, {signals.Descriptor()}};
    std::size_t first = 0;
    do {
      const auto ready = os::WaitReady(interests, std::nullopt);
      if (!ready) return base::SystemError("watch over a machine", ready.error().value);
      first = **ready;
    } while (first == 2 && !IsToldToEnd(signals));
    if (first == 1)
      // Whoever asks no more does not hear it.
      (void)os::SendDescriptors(connection_.Get(), vmm.WhyEnded().text, {});
    return {};
  }

  const std::string& contents_;
  base::UniqueFd listener_, owner_, connection_;
};

}  // namespace

void MachineMaker::BeSteward(base::UniqueFd listener, base::UniqueFd owner) {
  Steward steward(contents_, std::move(listener), std::move(owner));
  if (const auto served = steward.Serve(original_, prover_); !served)
    steward.Tell(pool::Word::kFailed, ToString(served.error()));
}

}  // namespace bailey::microvm
