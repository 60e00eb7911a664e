// The process that stays outside: PID 1 of a sandbox as it holds it, and its side of one launch.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "network/running.h"
#include "os/events.h"
#include "os/process.h"
#include "sandbox/command.h"
#include "sandbox/launch.h"
#include "sandbox/limits.h"
#include "sandbox/message.h"
#include "sandbox/readback.h"
#include "sandbox/streams.h"
#include "sandbox/tasks.h"

namespace bailey::sandbox {

// PID 1 of a sandbox as its supervisor holds it: whatever happens, it does not outlive this object.
class Sandbox {
 public:
  // Without namespaces nothing goes with the first process but what its parent takes along.
  Sandbox(os::Child child, bool has_namespaces)
      : child_(std::move(child)), has_namespaces_(has_namespaces) {}
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;
  ~Sandbox() {
    if (child_.pid <= 0) return;
    Kill();
    (void)Wait();
  }

  pid_t Pid() const { return child_.pid; }
  int Pidfd() const { return child_.pidfd.Get(); }
  void Kill() { (void)os::SendSignal(child_.pidfd.Get(), SIGKILL); }
  os::SysResult<os::Ended> Wait() {
    const pid_t pid = std::exchange(child_.pid, -1);
    auto ended = os::WaitFor(pid);
    if (has_namespaces_) return ended;
    const auto killed = os::KillChildren();
    if (!killed) return std::unexpected(killed.error());
    return ended;
  }

 private:
  os::Child child_;
  bool has_namespaces_;
};

// The supervisor's side of one launch, from the first message to the last.
class Supervisor {
 public:
  Supervisor(const Plan& plan, Prepared& prepared, const Groups& groups, Sandbox& sandbox,
             base::UniqueFd socket, os::SignalQueue& signals, Customer* customer,
             CallObserver* observer, network::Running* gateway)
      : plan_(plan),
        slot_(prepared.Filter()),
        command_slot_(prepared.Command()),
        streams_(prepared.streams),
        groups_(groups),
        sandbox_(sandbox),
        socket_(std::move(socket)),
        signals_(signals),
        customer_(customer),
        observer_(observer),
        gateway_(gateway),
        begin_(Clock::now()) {}

  base::Result<Outcome> Run(const FilterSource& filter);

 private:
  using Clock = std::chrono::steady_clock;

  base::Status Watch(const FilterSource& filter);
  // Before its ids are mapped the sandbox does nothing, so it is in its groups from the start.
  base::Status MapIds();
  base::Status MakeFilter(const FilterSource& filter);
  base::Status Tell(MessageKind kind);
  // `number`: of the listener in the payload, or negative.
  base::Status BeginToListen(int number);
  // True when the program has ended, or never started for a reason that is the program's own.
  base::Result<bool> HandleMessage();
  base::Status HearRooted();
  base::Result<bool> HearSealed();
  // Such a task has no files in /proc to read back, and may have been gone before a descriptor of
  // it was opened; PID 1 is about to say how it ended.
  bool HasPayloadEnded() const { return payload_ < 0 || os::HasEnded(payload_pidfd_.Get()); }
  // Whether reading back failed for that. The files in /proc of a task that ends fail before it has
  // ended (EINVAL, EACCES): the end is waited for, a little.
  bool IsPayloadEnding(const base::Error& error) const;
  base::Result<bool> StartWhenComplete();
  base::Status HearGateway();
  base::Status CauseOutside();
  // Waits for the customer; then what the program is to have is on its way to it.
  base::Status TakeCommand();
  base::Status SendCommand();
  const std::string& ProgramName() const { return command_ ? command_->argv[0] : plan_.argv[0]; }
  base::Result<bool> Failed(const Message& message);
  // PID 1 is gone without a word: somebody outside killed it, or the kernel ran out of memory.
  base::Result<bool> EndedUnseen();
  base::Status PassSignals();
  void PassCustomersSignals();
  base::Status PassOn(std::size_t line);
  base::Result<Outcome> Finish();
  void TellCustomer(const Message& ended);
  // From the wait status, what the outcome was.
  void Conclude();

  const Plan& plan_;
  FilterSlot& slot_;
  CommandSlot* command_slot_;
  std::optional<Streams>& streams_;
  const Groups& groups_;
  Sandbox& sandbox_;
  base::UniqueFd socket_;
  os::SignalQueue& signals_;
  Customer* customer_;              // of a program that was not known at first; null
  std::optional<Command> command_;  // when it is
  CallObserver* const observer_;    // of what the newest filter hands over; null
  std::optional<bpf::Program> newest_;
  network::Running* const gateway_;  // null where the network is none or the host's
  Clock::time_point begin_, start_;
  std::optional<Clock::time_point> deadline_;
  pid_t payload_ = -1;
  base::UniqueFd payload_pidfd_;
  base::UniqueFd terminal_;                // master side
  std::vector<std::size_t> instructions_;  // of each filter
  Expected expected_;
  bool ready_ = false, sealed_ = false;
  RootFound root_;
  int wait_status_ = 0;
  Outcome outcome_;
  bool is_concluded_ = false;
};

}  // namespace bailey::sandbox
