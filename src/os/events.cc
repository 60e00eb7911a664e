#include "os/events.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>

#include "os/watch.h"

namespace bailey::os {
namespace {

constexpr std::array<int, 9> kForwarded = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGCONT,
                                           SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
constexpr std::size_t kMaxDescriptors = 16;

sigset_t ForwardedSet() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : kForwarded) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

SysResult<SignalQueue> SignalQueue::Make() {
  const sigset_t set = ForwardedSet();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return LastErrno();
  base::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.IsOpen()) return LastErrno();
  return SignalQueue(std::move(fd));
}

SignalQueue::~SignalQueue() {
  if (!fd_.IsOpen()) return;
  // What came too late to be passed on must not kill the caller now.
  while (Next()) {
  }
  const sigset_t set = ForwardedSet();
  (void)::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<int> SignalQueue::Next() {
  signalfd_siginfo info;
  if (::read(fd_.Get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

bool IsFatal(int signal) {
  struct sigaction action = {};
  if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) return false;
  return signal != SIGCONT && signal != SIGWINCH;
}

void Raise(int signal) { (void)::raise(signal); }

SysResult<std::optional<std::size_t>> WaitReady(
    std::span<const Interest> interests,
    std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::array<pollfd, kMaxDescriptors> polled = {};
  if (interests.size() > polled.size()) return Fail(EINVAL);
  for (std::size_t i = 0; i < interests.size(); ++i) {
    const short events = interests[i].write ? POLLOUT : POLLIN;
    polled[i] = {interests[i].descriptor, events, 0};
  }
  for (;;) {
    const int ready = ::poll(polled.data(), interests.size(), MillisecondsUntil(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return LastErrno();
    if (ready == 0) return std::nullopt;
    for (std::size_t i = 0; i < interests.size(); ++i)
      if (polled[i].revents != 0) return i;
  }
}

SysStatus IgnoreBrokenPipes() {
  struct sigaction action = {};
  action.sa_handler = SIG_IGN;
  return Check(::sigaction(SIGPIPE, &action, nullptr));
}

}  // namespace bailey::os
