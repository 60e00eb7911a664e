#include "network/running.h"

#include <signal.h>

#include <chrono>
#include <utility>

#include "network/report.h"
#include "os/channel.h"
#include "os/events.h"
#include "os/inet.h"

namespace bailey::network {

base::Result<Running> Running::Start(const Plan& plan, const std::string& resolver,
                                     DecisionSink sink) {
  auto reports = os::ChannelPair();
  auto handoff = os::ChannelPair();
  if (!reports || !handoff) {
    return base::SystemError("start the network gateway",
                             reports ? handoff.error().value : reports.error().value);
  }
  auto child = os::Fork(0);
  if (!child) return base::SystemError("start the network gateway", child.error().value);
  if (child->pid == 0)
    RunGateway(plan, {std::move((*reports)[1]), std::move((*handoff)[1])}, resolver);
  return Running(std::move(*child), std::move((*reports)[0]), std::move((*handoff)[0]),
                 std::move(sink));
}

Running::Running(Running&& other) noexcept
    : child_(std::exchange(other.child_, {})),
      socket_(std::move(other.socket_)),
      handoff_(std::move(other.handoff_)),
      sink_(std::move(other.sink_)),
      ready_(std::move(other.ready_)) {}

Running::~Running() {
  if (child_.pid <= 0) return;
  // Its worker and its resolver die with it.
  (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);
  (void)os::WaitFor(child_.pid);
}

base::Status Running::Read() {
  for (;;) {
    Report report;
    const auto received = os::ReceiveMessage(
        socket_.Get(), {reinterpret_cast<std::uint8_t*>(&report), sizeof(report)});
    if (!received && (received.error().value == EAGAIN || received.error().value == EINTR))
      return {};
    if (!received || received->size != sizeof(report)) {
      socket_.Reset();
      return {};
    }
    const std::string text(report.why.data(),
                           std::min<std::size_t>(report.why_size, report.why.size()));
    switch (report.kind) {
      case Report::Kind::kReady:
        ready_ = text;
        break;
      case Report::Kind::kFailed:
        return base::Violation(text);
      case Report::Kind::kDecision:
        sink_(network::Read(report));
        break;
    }
  }
}

void Running::Finish() {
  if (!socket_.IsOpen()) return;
  // It says what it still knows and ends; or is ended.
  (void)os::FinishSending(socket_.Get());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (socket_.IsOpen()) {
    const std::array<os::Interest, 1> interest = {os::Interest{socket_.Get()}};
    const auto ready = os::WaitReady(interest, deadline);
    if (!ready || !*ready || !Read()) return;
  }
}

}  // namespace bailey::network
