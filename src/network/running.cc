#include "network/running.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include "network/report.h"
#include "network/worker_filter.h"
#include "os/channel.h"
#include "os/events.h"
#include "os/file.h"
#include "os/inet.h"

namespace bailey::network {

base::Result<Running> Running::Make(const Plan& plan, const std::string& resolver,
                                    DecisionSink sink) {
  base::UniqueFd login;
  const char* const path = plan.policy.proxy ? ::secure_getenv(kLoginVariable) : nullptr;
  if (path) {
    // By whoever starts it: the gateway may open less.
    auto file = os::Open(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (!file)
      return base::SystemError(fmt::format("open {} ({})", path, kLoginVariable),
                               file.error().value);
    login = *std::move(file);
  }
  auto reports = os::ChannelPair();
  auto handoff = os::ChannelPair();
  if (!reports || !handoff) {
    return base::SystemError("start the network gateway",
                             reports ? handoff.error().value : reports.error().value);
  }
  Running running(plan, resolver, std::move(sink));
  running.socket_ = std::move((*reports)[0]);
  running.handoff_ = std::move((*handoff)[0]);
  running.far_ = {std::move((*reports)[1]), std::move((*handoff)[1]), std::move(login)};
  return running;
}

base::Status Running::Start() {
  // Here, where the tables that it takes are in use anyway.
  const auto filter = WorkerFilter();
  if (!filter) return filter.error();
  const std::vector<std::uint8_t> bytes = filter->Bytes();
  auto child = os::Fork(0);
  if (!child) return base::SystemError("start the network gateway", child.error().value);
  if (child->pid == 0) RunGateway(*plan_, std::move(far_), *resolver_, bytes);
  child_ = std::move(*child);
  far_ = {};
  return {};
}

Running::Running(Running&& other) noexcept
    : plan_(other.plan_),
      resolver_(other.resolver_),
      far_(std::move(other.far_)),
      child_(std::exchange(other.child_, {})),
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
