// The listener against the kernel: children put a filter on themselves that hands calls to it.
#include "sandbox/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "abi/notification.h"
#include "abi/syscalls.h"
#include "os/file.h"
#include "os/process.h"

namespace bailey::sandbox {
namespace {

constexpr std::uint32_t kAllow = 0x7fff0000;
constexpr std::uint32_t kByName = 0x7fc00000;
const std::uint32_t kEperm = abi::Notified(abi::Action::Errno(EPERM));
const std::uint32_t kGoesOn = abi::Notified(abi::Action::Allow());

// Answers these calls so, and allows all others.
bpf::Program FilterOf(std::vector<std::pair<long, std::uint32_t>> answers) {
  std::vector<bpf::Instruction> code = {{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr}};
  for (const auto& [number, answer] : answers) {
    code.push_back({bpf::kJeq, 0, 1, static_cast<std::uint32_t>(number)});
    code.push_back({bpf::kReturn, 0, 0, answer});
  }
  code.push_back({bpf::kReturn, 0, 0, kAllow});
  return *bpf::Validate(std::move(code));
}

class EventSink : public audit::Sink {
 public:
  explicit EventSink(std::vector<audit::Event>& events) : events_(events) {}
  std::string_view Name() const override { return "test"; }
  void Write(const audit::Event& event) override { events_.push_back(event); }

 private:
  std::vector<audit::Event>& events_;
};

audit::Trail TrailInto(std::vector<audit::Event>& events) {
  std::vector<std::unique_ptr<audit::Sink>> sinks;
  sinks.push_back(std::make_unique<EventSink>(events));
  return audit::Trail("test", {.rate = 1 << 20, .burst = 1 << 20}, std::move(sinks));
}

// A child under the filter, which does `work` once `listener` listens; what work returns is its
// exit status.
class Watched {
 public:
  Watched(const bpf::Program& filter, Listener& listener, const std::function<int()>& work) {
    auto to_child = *os::MakePipe(), from_child = *os::MakePipe();
    auto child = os::Fork(0);
    EXPECT_TRUE(child);
    if (child->pid == 0) {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      const auto attached = os::AttachListener(filter.Bytes());
      const int number = attached ? attached->Get() : -1;
      char go = 0;
      const bool told = ::write(from_child[1].Get(), &number, sizeof(number)) == sizeof(number) &&
                        ::read(to_child[0].Get(), &go, 1) == 1;
      ::close(number);
      ::_exit(told ? work() : 99);
    }
    child_ = *std::move(child);
    int number = -1;
    EXPECT_EQ(::read(from_child[0].Get(), &number, sizeof(number)), sizeof(number));
    auto taken = os::TakeDescriptor(child_.pidfd.Get(), number);
    EXPECT_TRUE(taken);
    EXPECT_TRUE(os::IsListener(taken->Get()));
    EXPECT_TRUE(listener.Begin(*std::move(taken), filter));
    EXPECT_TRUE(listener.Start());
    EXPECT_EQ(::write(to_child[1].Get(), "g", 1), 1);
  }
  int Wait() {
    const auto ended = os::WaitFor(child_.pid);
    EXPECT_TRUE(ended);
    return WIFEXITED(ended->wait_status) ? WEXITSTATUS(ended->wait_status) : 128;
  }

 private:
  os::Child child_;
};

bool IsRefused(int number = EPERM) {
  errno = 0;
  return ::chroot("/nowhere") == -1 && errno == number;
}

TEST(Listener, AnswersAndCountsExactly) {
  std::vector<audit::Event> events;
  audit::Trail trail = TrailInto(events);
  Listener listener({.trail = &trail, .explain = [](const bpf::SeccompData&) {
                       return audit::Rule{"deny of x", "x.toml:3:9"};
                     }});
  Watched child(FilterOf({{SYS_chroot, kEperm}, {SYS_umount2, kEperm}}), listener, [] {
    for (int i = 0; i < 1000; ++i)
      if (!IsRefused()) return 1;
    return ::umount2("/other", 0) == -1 && errno == EPERM ? 0 : 2;
  });
  EXPECT_EQ(child.Wait(), 0);
  listener.End();
  const auto heard = listener.Heard();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].count, 1000u);
  EXPECT_EQ(heard[1].count, 1u);
  EXPECT_EQ(heard[0].rule.origin, "deny of x");
  EXPECT_EQ(listener.Unanswered(), 0u);
  trail.Close();
  ASSERT_EQ(events.size(), 1001u);
  const auto& call = std::get<audit::Call>(events[0].detail);
  EXPECT_EQ(call.name, "chroot");
  EXPECT_EQ(call.answer, "EPERM");
  EXPECT_THAT(call.arguments, testing::ElementsAre(audit::Argument{"filename", "/nowhere", true}));
  ASSERT_TRUE(events[0].task);
  EXPECT_THAT(events[0].task->executable, testing::EndsWith("sandbox_test"));
}

TEST(Listener, LetsGoOnWhatIsOnlyNoted) {
  std::vector<audit::Event> events;
  audit::Trail trail = TrailInto(events);
  Listener listener({.trail = &trail,
                     .witness = [](const bpf::SeccompData& data, pid_t,
                                   const audit::Memory& memory) -> std::optional<audit::Event> {
                       audit::Event event;
                       event.detail = audit::FileAccess{
                           "access", audit::ReadPath(memory, data.args[0]).value_or("?"), "", ""};
                       return event;
                     }});
  Watched child(FilterOf({{SYS_access, kGoesOn}}), listener, [] {
    const bool is_there = ::syscall(SYS_access, "/", F_OK) == 0;
    const bool is_missing = ::syscall(SYS_access, "/no/such", F_OK) == -1 && errno == ENOENT;
    return is_there && is_missing ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  listener.End();
  trail.Close();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(std::get<audit::FileAccess>(events[1].detail).path, "/no/such");
}

// As if nobody listened: the kernel's answer then.
TEST(Listener, ANotifyByNameIsNotImplemented) {
  Listener listener({});
  Watched child(FilterOf({{SYS_chroot, kByName}}), listener,
                [] { return IsRefused(ENOSYS) ? 0 : 1; });
  EXPECT_EQ(child.Wait(), 0);
}

TEST(Listener, CallsFailWhenItIsGone) {
  Listener listener({});
  auto answered = *os::MakePipe(), gone = *os::MakePipe();
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [&] {
    char byte = 0;
    if (!IsRefused(EPERM)) return 1;
    if (::write(answered[1].Get(), "a", 1) != 1 || ::read(gone[0].Get(), &byte, 1) != 1) return 2;
    return IsRefused(ENOSYS) ? 0 : 3;
  });
  char byte = 0;
  EXPECT_EQ(::read(answered[0].Get(), &byte, 1), 1);
  listener.End();
  EXPECT_EQ(::write(gone[1].Get(), "g", 1), 1);
  EXPECT_EQ(child.Wait(), 0);
}

TEST(Listener, AnswersAThousandThreads) {
  constexpr int kThreads = 1000, kCalls = 20;
  Listener listener({});
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [] {
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < kCalls; ++k) refused += IsRefused();
      });
    for (std::thread& thread : threads) thread.join();
    return refused == kThreads * kCalls ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  listener.End();
  ASSERT_EQ(listener.Heard().size(), 1u);
  EXPECT_EQ(listener.Heard()[0].count, std::uint64_t{kThreads} * kCalls);
}

// A call that a signal would interrupt and restart is answered once, and counted once.
TEST(Listener, CountsOnceUnderManySignals) {
  Listener listener({});
  constexpr int kCalls = 3000;
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [] {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often = {{0, 100}, {0, 100}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    int refused = 0;
    for (int i = 0; i < kCalls; ++i) refused += IsRefused();
    return refused == kCalls ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  listener.End();
  ASSERT_EQ(listener.Heard().size(), 1u);
  EXPECT_EQ(listener.Heard()[0].count, std::uint64_t{kCalls});
}

// Children are killed while their calls wait; those that live are answered.
TEST(Listener, GoesOnWhenCallersAreKilled) {
  Listener listener({});
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [] {
    for (int i = 0; i < 60; ++i) {
      const pid_t victim = ::fork();
      if (victim == 0)
        for (;;) (void)IsRefused();
      ::usleep(static_cast<useconds_t>(i * 20));
      ::kill(victim, SIGKILL);
      ::waitpid(victim, nullptr, 0);
    }
    return IsRefused() ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

// What is recorded is one of the texts that were there, and the answer is the same whatever it was.
TEST(Listener, AnswersTheSameWhateverMemoryBecomes) {
  std::vector<audit::Event> events;
  audit::Trail trail = TrailInto(events);
  Listener listener({.trail = &trail});
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [] {
    static char path[4096];
    std::atomic<bool> over = false;
    std::thread changer([&] {
      for (unsigned i = 0; !over; ++i) {
        volatile char* const at = path;
        for (unsigned k = 0; k < 64; ++k) at[k] = static_cast<char>(i % 2 ? 'a' : '/');
      }
    });
    bool refused = true;
    for (int i = 0; i < 500; ++i) refused &= ::chroot(path) == -1 && errno == EPERM;
    over = true;
    changer.join();
    return refused ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
  listener.End();
  trail.Close();
  ASSERT_EQ(events.size(), 500u);
  for (const audit::Event& event : events) {
    const auto& arguments = std::get<audit::Call>(event.detail).arguments;
    ASSERT_EQ(arguments.size(), 1u);
    EXPECT_EQ(arguments[0].value.find_first_not_of("a/"), std::string::npos);
    EXPECT_LE(arguments[0].value.size(), 64u);
  }
}

TEST(Listener, ThereIsOneForAChainOfFilters) {
  Listener listener({});
  Watched child(FilterOf({{SYS_chroot, kEperm}}), listener, [] {
    const auto second = os::AttachListener(FilterOf({{SYS_umount2, kEperm}}).Bytes());
    return !second && second.error().value == EBUSY ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), 0);
}

TEST(Yama, TakesTheListenerFromUsersAndThenFromEverybody) {
  const struct {
    const char* scope;
    bool user, root;
  } kCases[] = {{"", true, true},     {"0\n", true, true},   {"1\n", true, true},
                {"2\n", false, true}, {"3\n", false, false}, {"4\n", false, false}};
  for (const auto& one : kCases) {
    EXPECT_EQ(YamaLetsListen(one.scope, false), one.user) << one.scope;
    EXPECT_EQ(YamaLetsListen(one.scope, true), one.root) << one.scope;
  }
}

}  // namespace
}  // namespace bailey::sandbox
