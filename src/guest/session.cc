#include "guest/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "guest/collect.h"
#include "guest/command.h"
#include "guest/listening.h"
#include "guest/machine.h"
#include "guest/preload.h"
#include "guest/program.h"

namespace bailey::guest {
namespace {

// Large buffers are the machine's own: there is one session in its life. The command is shared with
// the child that waits for it.
Command& ShareCommand() {
  void* const place =
      ::mmap(nullptr, sizeof(Command), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) ::_exit(1);
  return *new (place) Command;
}
Command& command = ShareCommand();
Deframer deframer;
std::array<std::uint8_t, kMostFrame> room;

// Input that the program has not read yet; the host sends no more than it was granted.
struct Pending {
  std::array<std::uint8_t, kFirstCredit> bytes;
  std::size_t begin = 0, end = 0;
  bool ends = false;  // nothing comes after it
};
Pending pending;
Listening listening;

// How often the host is told how many calls were denied.
constexpr int kTellMilliseconds = 1000;
// A machine that others are about to begin as does not go to sleep, so that none of them has to
// wake up before it hears the host. For so long at most: who is late finds it asleep.
constexpr int kAwakeMilliseconds = 1000;

// As of wait(2), which also says it where a process stays to be waited for.
int StatusOf(const siginfo_t& found) {
  if (found.si_code == CLD_EXITED) return (found.si_status & 0xff) << 8;
  return found.si_status | (found.si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

class Session {
 public:
  explicit Session(int line) : line_(line) {}

  void Run() {
    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &children, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    children_ = ::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    while (!over_) Step();
  }

 private:
  template <class T>
  void Send(const T& value) {
    if (!WriteAll(line_, Encode(value, room))) over_ = true;
  }
  void Send(FrameType type, std::span<const std::uint8_t> body) {
    if (!WriteAll(line_, Encode(type, body, room))) over_ = true;
  }
  void Fail(Failure failure) {
    Failed failed = {failure.step, static_cast<std::uint32_t>(failure.error), {}};
    if (failure.step == guest::Step::kMount && failure.index < command.mount_count)
      failed.object = command.mounts[failure.index].path;
    if (failure.step == guest::Step::kLandlock && failure.index < command.grant_count)
      failed.object = command.grants[failure.index].path;
    if (failure.object != nullptr) failed.object = failure.object;
    Send(failed);
  }

  void Step() {
    enum : std::size_t { kLine, kChildren, kInput, kOutput, kError, kDenials, kAll };
    pollfd waits[kAll] = {{line_, POLLIN, 0},
                          {children_, POLLIN, 0},
                          {pending.begin < pending.end ? running_.input : -1, POLLOUT, 0},
                          {running_.output[0], POLLIN, 0},
                          {running_.output[1], POLLIN, 0},
                          {ended_ ? -1 : listening.Line(), POLLIN, 0}};
    const int most = IsAwake() ? 0 : counts_change_ ? kTellMilliseconds : -1;
    if (::poll(waits, kAll, most) < 0) return;
    if (waits[kDenials].revents) TellCalls();
    if (counts_change_ && ::time(nullptr) > told_at_) TellCounts();
    if (waits[kChildren].revents) Reap();
    if (waits[kInput].revents) PassInput();
    for (const std::size_t i : {kOutput, kError})
      if (waits[i].revents) PassOutput(i - kOutput);
    if (waits[kLine].revents) Listen();
  }

  void TellCalls() {
    listening.Settle();
    Called called;
    Used used;
    Sent sent;
    while (!over_) {
      const auto kind = listening.Next(called, used, sent);
      if (kind == Listening::Kind::kNone) break;
      if (kind == Listening::Kind::kCalled) {
        Send(called);
      } else if (kind == Listening::Kind::kUsed) {
        Send(used);
      } else {
        Send(sent);
      }
    }
    counts_change_ = true;
  }

  void TellCounts() {
    for (Denied denied; !over_ && listening.Next(denied);) Send(denied);
    if (Missed missed; listening.Next(missed)) Send(missed);
    counts_change_ = false;
    told_at_ = ::time(nullptr);
  }

  bool IsAwake() {
    if (awake_until_ != 0 && Milliseconds() > awake_until_) awake_until_ = 0;
    return awake_until_ != 0;
  }

  void Listen() {
    awake_until_ = 0;
    const auto space = deframer.Space();
    const ssize_t count = ::read(line_, space.data(), space.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) {
      over_ = true;
      return;
    }
    deframer.Add(static_cast<std::size_t>(count));
    for (Frame frame; !over_;) {
      const auto state = deframer.Next(frame);
      if (state == Deframer::State::kMore) return;
      if (state == Deframer::State::kBroken) over_ = true;
      if (state == Deframer::State::kFrame) Handle(frame);
    }
  }

  void Handle(const Frame& frame) {
    switch (frame.type) {
      case FrameType::kWelcome:
        return Greet(frame);
      case FrameType::kInput:
        return TakeInput(frame.body);
      case FrameType::kInputEnd:
        pending.ends = true;
        return CloseInput();
      case FrameType::kSignal:
        return PassSignal(frame);
      case FrameType::kWindow:
        return Resize(frame);
      case FrameType::kCollect:
        return BringOut();
      case FrameType::kForget:
        return Forget(frame);
      case FrameType::kPreload:
        return ReadAhead(frame);
      case FrameType::kPing:
        return Send(FrameType::kPong, {});
      case FrameType::kPowerOff:
        over_ = true;
        return;
      default:
        return Learn(frame);
    }
  }

  void Greet(const Frame& frame) {
    Welcome welcome;
    if (!Decode(frame.body, welcome) || welcome.version != kVersion)
      return Fail({guest::Step::kWelcome, EPROTO, 0});
    if (const int error = Refresh(welcome)) return Fail({guest::Step::kWelcome, error, 0});
    // The same for all that begin as this machine.
    static const std::uint32_t landlock = LandlockVersion();
    static const std::string_view kernel = KernelRelease();
    Send(Hello{kVersion, welcome.token, landlock, kernel});
  }

  void Learn(const Frame& frame) {
    if (!command.Add(frame)) return Fail({guest::Step::kCommand, E2BIG, 0});
    if (!command.IsComplete()) return;
    const Failure failure = StartProgram(command, running_, listening);
    ended_ = failure.error != 0;
    if (failure.error != 0) {
      listening.End();
      return Fail(failure);
    }
    Send(FrameType::kStarted, {});
    CloseInput();
  }

  void TakeInput(std::span<const std::uint8_t> bytes) {
    if (pending.begin > 0) {
      memmove(pending.bytes.data(), pending.bytes.data() + pending.begin,
              pending.end - pending.begin);
      pending.end -= pending.begin;
      pending.begin = 0;
    }
    // More than was granted is no host of ours.
    if (bytes.size() > pending.bytes.size() - pending.end) {
      over_ = true;
      return;
    }
    if (!bytes.empty()) memcpy(pending.bytes.data() + pending.end, bytes.data(), bytes.size());
    pending.end += bytes.size();
    PassInput();
  }

  void PassInput() {
    while (pending.begin < pending.end && running_.pid > 0) {
      const std::size_t size = pending.end - pending.begin;
      ssize_t count = static_cast<ssize_t>(size);  // nobody reads it any more: it is gone
      if (running_.input >= 0) {
        count = ::write(running_.input, pending.bytes.data() + pending.begin, size);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) Close(running_.input);
        if (count < 0) count = static_cast<ssize_t>(size);
      }
      pending.begin += static_cast<std::size_t>(count);
      if (!WriteAll(line_,
                    Encode(FrameType::kCredit, Number{static_cast<std::uint32_t>(count)}, room)))
        over_ = true;
    }
    CloseInput();
  }

  // A terminal's end is a key.
  void CloseInput() {
    if (pending.ends && pending.begin == pending.end && !command.start.terminal)
      Close(running_.input);
  }

  void PassOutput(std::size_t stream) {
    static std::array<std::uint8_t, 32 << 10> bytes;
    bytes[0] = static_cast<std::uint8_t>(stream + 1);
    const ssize_t count = ::read(running_.output[stream], bytes.data() + 1, bytes.size() - 1);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    // A terminal that nobody has open any more reads as an error. With its last end a pipe is
    // unmade, which the program's end is not to wait for.
    if (count <= 0) {
      over_outputs_[stream] = std::exchange(running_.output[stream], -1);
      return;
    }
    Send(FrameType::kOutput, std::span(bytes).first(static_cast<std::size_t>(count) + 1));
  }

  void PassSignal(const Frame& frame) {
    Number number;
    if (Decode(frame.body, number) && number.value > 0 && number.value < 65 && running_.pid > 0 &&
        !ended_)
      ::kill(running_.pid, static_cast<int>(number.value));
  }

  void Resize(const Frame& frame) {
    Window window;
    if (!Decode(frame.body, window) || !command.start.terminal || running_.input < 0) return;
    winsize size = {};
    size.ws_row = window.rows;
    size.ws_col = window.columns;
    ::ioctl(running_.input, TIOCSWINSZ, &size);
  }

  void Reap() {
    // What there is to be read of the program's end nobody waits for, either; who ends after that
    // is noticed again.
    WaitForAll();
    signalfd_siginfo ignored;
    while (::read(children_, &ignored, sizeof(ignored)) > 0) continue;
    WaitForAll();
  }

  void WaitForAll() {
    for (;;) {
      siginfo_t found = {};
      rusage used = {};
      // The program stays until the host has heard of its end: what it takes to unmake a process
      // and its filters, nobody waits for.
      if (::syscall(SYS_waitid, P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT, &used) != 0 ||
          found.si_pid == 0)
        return;
      if (found.si_pid == running_.pid && !ended_)
        End(StatusOf(found), used);
      else
        AddUsage(used, others_);
      (void)::waitpid(found.si_pid, nullptr, 0);  // or it has been waited for with what it left
    }
  }

  // With the program everything that it has left goes. `used`: by it and all that it waited for.
  void End(int status, const rusage& used) {
    ended_ = true;
    const bool memory_kill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && HadMemoryKill();
    bool alone = false;
    if (const int error = KillProgram(alone, others_)) return Fail({guest::Step::kGroup, error, 0});
    if (listening.Line() >= 0) {
      listening.End();
      TellCalls();
      TellCounts();
    }
    for (std::size_t stream : {0u, 1u}) {
      // All who could write are gone, so that there is an end.
      if (command.start.terminal && running_.output[stream] >= 0)
        ::fcntl(running_.output[stream], F_SETFL, O_NONBLOCK);
      while (running_.output[stream] >= 0 && !over_) {
        pollfd wait = {running_.output[stream], POLLIN, 0};
        if (::poll(&wait, 1, 0) == 0) break;
        PassOutput(stream);
      }
    }
    rusage all = others_;
    if (alone) AddUsage(used, all);
    const auto micros = [](const timeval& time) {
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
             static_cast<std::uint64_t>(time.tv_usec);
    };
    Send(Ended{static_cast<std::uint32_t>(status), memory_kill, micros(all.ru_utime),
               micros(all.ru_stime), static_cast<std::uint64_t>(all.ru_maxrss)});
  }

  void BringOut() {
    Collected collected;
    if (!ended_) return Fail({guest::Step::kCollect, EBUSY, 0});
    if (const int error = Collect(command, StageOfProgram(), "changes", collected))
      return Fail({guest::Step::kCollect, error, 0});
    Send(collected);
  }

  // Whatever ran here is gone: what comes next finds nothing of it, nor waits for what every
  // command needs.
  void Forget(const Frame& frame) {
    guest::Forget wanted;
    if (!Decode(frame.body, wanted)) return Fail({guest::Step::kForget, EPROTO, 0});
    if (!ended_) return Fail({guest::Step::kForget, EBUSY, 0});
    Close(running_.input);
    for (int& output : running_.output) Close(output);
    for (int& output : over_outputs_) Close(output);
    if (const Failure failure = ForgetProgram(command, wanted, listening); failure.error != 0)
      return Fail(failure);
    command.Clear();
    pending.begin = pending.end = 0;
    pending.ends = ended_ = false;
    running_ = {};
    others_ = {};
    Send(FrameType::kForgotten, {});
  }

  void ReadAhead(const Frame& frame) {
    Number mebibytes;
    if (!Decode(frame.body, mebibytes)) return Fail({guest::Step::kCommand, EPROTO, 0});
    Preload(std::uint64_t{mebibytes.value} << 20);
    Settle();
    awake_until_ = Milliseconds() + kAwakeMilliseconds;
    Send(FrameType::kPreloaded, {});
  }

  static void Close(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }

  int line_;
  int children_ = -1;
  Running running_;
  std::array<int, 2> over_outputs_ = {-1, -1};
  rusage others_ = {};  // by what the program has left, and what that has
  bool ended_ = false, over_ = false;
  bool counts_change_ = false;
  time_t told_at_ = 0;
  std::int64_t awake_until_ = 0;  // 0: it is not kept awake
};

}  // namespace

void Serve(int line) { Session(line).Run(); }

}  // namespace bailey::guest
