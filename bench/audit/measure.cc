// What it costs to hear of a denial: the same call, denied by a plain errno and by the supervisor.
//
//   bench-audit            a table; exit status 1 where a target is missed on Linux 6.6 or newer
//
// Targets are ratios on the same machine in the same minute: they say nothing about its speed.
#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "abi/notification.h"
#include "os/events.h"
#include "os/file.h"
#include "os/host.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/seccomp.h"
#include "sandbox/file_witness.h"
#include "sandbox/listener.h"
#include "sandbox/network_witness.h"

namespace {

using namespace bailey;
using Clock = std::chrono::steady_clock;

constexpr long kQuick = 200000, kSlow = 50000, kFlood = 500000;

bpf::Program FilterOf(long number, std::uint32_t answer) {
  return *bpf::Validate({{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                         {bpf::kJeq, 0, 1, static_cast<std::uint32_t>(number)},
                         {bpf::kReturn, 0, 0, answer},
                         {bpf::kReturn, 0, 0, abi::Encode(abi::Action::Allow())}});
}

class NoSink : public audit::Sink {
 public:
  std::string_view Name() const override { return "none"; }
  void Write(const audit::Event&) override {}
};

// Answers as the listener does, and decodes each call with what its memory holds, the caller
// checked before and after. (The listener records who called as well, for the events that the rate
// admits.)
class Decoder : public sandbox::CallObserver {
 public:
  base::Status Begin(base::UniqueFd listener, const bpf::Program&) override {
    listener_ = std::move(listener);
    (void)os::TakeTurns(listener_.Get());  // older kernels cannot: reported only
    thread_ = std::thread([this] {
      const base::UniqueFd never;
      while (os::AwaitNotification(listener_.Get(), never.Get()).value_or(false)) {
        const auto call = os::ReceiveNotification(listener_.Get());
        if (call) Answer(*call);
      }
    });
    return {};
  }
  int Line() const override { return -1; }
  base::Status Hear() override { return {}; }
  void CannotListen() override { std::abort(); }
  void End() override { thread_.join(); }

 private:
  void Answer(const os::Notification& call) {
    const auto memory = [&](std::uint64_t address, std::size_t most) -> std::optional<std::string> {
      std::array<char, 4096> buffer;
      const auto size = os::ReadMemory(call.task, address, std::span(buffer).first(most));
      if (!size) return std::nullopt;
      return std::string(buffer.data(), *size);
    };
    const bool before = os::StillWaits(listener_.Get(), call.id);
    const audit::Call decoded = audit::Decode(
        {call.number, call.arch, call.instruction_pointer, call.args}, "EPERM", memory);
    const bool after = os::StillWaits(listener_.Get(), call.id);
    if (!before || !after || !decoded.arguments.at(0).as_seen) std::abort();
    (void)os::AnswerWithErrno(listener_.Get(), call.id, EPERM);  // it may have been killed
  }

  base::UniqueFd listener_;
  std::thread thread_;
};

// Nanoseconds of one of `times` calls, made by a child under `filter`.
double Measure(const bpf::Program& filter, sandbox::CallObserver* listener, long times,
               const std::function<void()>& call) {
  auto to_child = *os::MakePipe(), from_child = *os::MakePipe();
  auto child = os::Fork(0);
  if (!child) std::abort();
  if (child->pid == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int number = -1;
    if (listener != nullptr) {
      auto attached = os::AttachListener(filter.Bytes());
      if (attached) number = attached->Release();
    } else if (!os::AttachFilter(filter.Bytes())) {
      ::_exit(1);
    }
    char go = 0;
    if (::write(from_child[1].Get(), &number, sizeof(number)) != sizeof(number) ||
        ::read(to_child[0].Get(), &go, 1) != 1)
      ::_exit(1);
    const auto begin = Clock::now();
    for (long i = 0; i < times; ++i) call();
    const double passed = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    ::_exit(::write(from_child[1].Get(), &passed, sizeof(passed)) == sizeof(passed) ? 0 : 1);
  }
  int number = -1;
  double passed = 0;
  if (::read(from_child[0].Get(), &number, sizeof(number)) != sizeof(number)) std::abort();
  if (listener != nullptr) {
    auto taken = os::TakeDescriptor(child->pidfd.Get(), number);
    if (!taken || !listener->Begin(*std::move(taken), filter)) std::abort();
  }
  if (::write(to_child[1].Get(), "g", 1) != 1) std::abort();
  // As a supervisor does, until a thread answers or the child has ended.
  while (listener != nullptr && listener->Line() >= 0) {
    const os::Interest calls = {listener->Line()};
    if (!os::WaitReady({&calls, 1}, std::nullopt) || !listener->Hear()) std::abort();
  }
  if (::read(from_child[0].Get(), &passed, sizeof(passed)) != sizeof(passed)) std::abort();
  if (!os::WaitFor(child->pid)) std::abort();
  if (listener != nullptr) listener->End();
  return passed / static_cast<double>(times);
}

// The best of several: what disturbs only adds.
double Best(const std::function<double()>& measure) {
  double best = measure();
  for (int i = 0; i < 4; ++i) best = std::min(best, measure());
  return best;
}

void Unshare() { ::syscall(SYS_unshare, 0x10000000); }
void Chroot() { ::syscall(SYS_chroot, "/some/path/of/a/usual/length"); }
void Access() { ::syscall(SYS_access, "/etc/passwd", F_OK); }
void SendNothing() {
  static const int socket = [] {
    std::array<int, 2> pair = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) std::abort();
    return pair[0];
  }();
  ::syscall(SYS_sendto, socket, "", 0, 0, nullptr, 0);
}
// Of a type that no kernel has: it is answered, and changes nothing.
void AskForAChange() {
  static const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  const nlmsghdr head = {sizeof(head), 0x7f, NLM_F_REQUEST, 1, 0};
  ::syscall(SYS_sendto, socket, &head, sizeof(head), 0, nullptr, 0);
  std::array<char, 256> answer;
  if (::recv(socket, answer.data(), answer.size(), 0) <= 0) std::abort();
}
void Getppid() { ::syscall(SYS_getppid); }

int missed = 0;

void Row(const char* what, double value, const char* unit, const char* target, bool holds,
         bool is_binding) {
  fmt::print("{:52} {:>10.1f} {:8} {:>16}  {}\n", what, value, unit, target,
             !is_binding ? "reported"
             : holds     ? "ok"
                         : "MISSED");
  missed += is_binding && !holds;
}

}  // namespace

int main() {
  const std::uint32_t plain = abi::Encode(abi::Action::Errno(EPERM));
  const std::uint32_t notified = abi::Notified(abi::Action::Errno(EPERM));
  const std::uint32_t goes_on = abi::Notified(abi::Action::Allow());
  const std::string release = os::KernelRelease();
  int major = 0, minor = 0;
  (void)std::sscanf(release.c_str(), "%d.%d", &major, &minor);
  const bool is_binding = major > 6 || (major == 6 && minor >= 6);

  const double errno_registers =
      Best([&] { return Measure(FilterOf(SYS_unshare, plain), nullptr, kQuick, Unshare); });
  const double errno_string =
      Best([&] { return Measure(FilterOf(SYS_chroot, plain), nullptr, kQuick, Chroot); });
  const double heard = Best([&] {
    sandbox::Listener listener({});
    return Measure(FilterOf(SYS_unshare, notified), &listener, kSlow, Unshare);
  });
  const double copied = Best([&] {
    Decoder decoder;
    return Measure(FilterOf(SYS_chroot, notified), &decoder, kSlow, Chroot);
  });
  const double silent =
      Best([&] { return Measure(FilterOf(SYS_chroot, plain), nullptr, kQuick, Getppid); });
  const double beside = Best([&] {
    sandbox::Listener listener({});
    return Measure(FilterOf(SYS_chroot, notified), &listener, kQuick, Getppid);
  });

  const double opened =
      Best([&] { return Measure(FilterOf(SYS_chroot, plain), nullptr, kQuick, Access); });
  const double witnessed = Best([&] {
    const sandbox::RootPlan nothing_shown;
    sandbox::FileWitness witness(nothing_shown);
    sandbox::Listener listener({.witness = std::bind_front(&sandbox::FileWitness::Look, &witness)});
    return Measure(FilterOf(SYS_access, goes_on), &listener, kSlow, Access);
  });

  const double sent =
      Best([&] { return Measure(FilterOf(SYS_chroot, plain), nullptr, kQuick, SendNothing); });
  const double looked_at = Best([&] {
    sandbox::Listener listener({.witness = sandbox::NoteNetworkChange});
    return Measure(FilterOf(SYS_sendto, goes_on), &listener, kSlow, SendNothing);
  });
  const double asked =
      Best([&] { return Measure(FilterOf(SYS_chroot, plain), nullptr, kQuick, AskForAChange); });
  const double noted = Best([&] {
    sandbox::Listener listener({.witness = sandbox::NoteNetworkChange});
    return Measure(FilterOf(SYS_sendto, goes_on), &listener, kSlow, AskForAChange);
  });

  rusage before = {}, after = {};
  ::getrusage(RUSAGE_SELF, &before);
  double flood = 0;
  bool is_exact = true;
  {
    std::vector<std::unique_ptr<audit::Sink>> sinks;
    sinks.push_back(std::make_unique<NoSink>());
    audit::Trail trail("flood", {}, std::move(sinks));
    sandbox::Listener listener({.trail = &trail});
    flood = 1e9 / Measure(FilterOf(SYS_unshare, notified), &listener, kFlood, Unshare);
    is_exact = listener.Heard().size() == 1 && listener.Heard()[0].count == kFlood;
  }
  ::getrusage(RUSAGE_SELF, &after);

  fmt::print("kernel {}\n{:52} {:>10} {:8} {:>16}\n", release, "", "", "", "target");
  Row("a denial by plain errno, registers", errno_registers, "ns", "", true, false);
  Row("an audited denial, registers", heard, "ns", "", true, false);
  Row("  against the plain one", heard / errno_registers, "times", "at most 40",
      heard / errno_registers <= 40, is_binding);
  Row("an audited denial, one string copied", copied, "ns", "", true, false);
  Row("  against the plain one", copied / errno_string, "times", "at most 60",
      copied / errno_string <= 60, is_binding);
  Row("a call that is not audited, beside others that are", beside, "ns", "", true, false);
  Row("  against the same filter with plain errnos", beside / silent, "times", "about 1",
      beside / silent <= 1.15, true);
  Row("a look at a file", opened, "ns", "", true, false);
  Row("the same with [audit] files, which notes it", witnessed, "ns", "", true, false);
  Row("a sendto on a unix socket", sent, "ns", "", true, false);
  Row("the same with [audit] network, which is no netlink's", looked_at, "ns", "", true, false);
  Row("a message on a netlink socket, and its answer", asked, "ns", "", true, false);
  Row("the same with [audit] network, which notes it", noted, "ns", "", true, false);
  Row("sustained denials a second, from one program", flood, "a second", "at least 100000",
      flood >= 100000, is_binding);
  Row("  counted exactly", is_exact ? 1 : 0, "", "1", is_exact, true);
  const double grown = static_cast<double>(after.ru_maxrss - before.ru_maxrss);
  Row("  memory that it took", grown, "KiB", "at most 4096", grown <= 4096, true);
  return missed == 0 ? 0 : 1;
}
