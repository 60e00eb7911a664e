// Waiting for several things at once: descriptors, signals, a deadline.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// While it lives, the signals that a person or a manager sends to stop or steer a program come in
// on its descriptor instead of acting on this process.
class SignalQueue {
 public:
  static SysResult<SignalQueue> Make();
  SignalQueue(SignalQueue&&) = default;
  SignalQueue& operator=(SignalQueue&&) = delete;
  ~SignalQueue();
  int Descriptor() const { return fd_.Get(); }
  // The next signal waiting; nullopt when there is none.
  std::optional<int> Next();

 private:
  explicit SignalQueue(base::UniqueFd fd) : fd_(std::move(fd)) {}
  base::UniqueFd fd_;
};

// Of those signals: whether it ends this process where nobody waits for it. Ignored ones do not, as
// after nohup(1).
bool IsFatal(int signal);
// In a thread that does not block it: as if it had come only now.
void Raise(int signal);

struct Interest {
  int descriptor = -1;
  bool write = false;  // to write to it, rather than to read
};
// Waits until one of them can be read, or written, or is closed at the other end; returns which, or
// nullopt when the deadline came first. The first of several that are ready.
SysResult<std::optional<std::size_t>> WaitReady(
    std::span<const Interest> interests,
    std::optional<std::chrono::steady_clock::time_point> deadline);

// Writing to a pipe that nobody reads is an error here, not a signal.
SysStatus IgnoreBrokenPipes();

}  // namespace bailey::os
