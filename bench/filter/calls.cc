#include "calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

namespace bailey::bench {
namespace {

constexpr int kCalls = 100'000;

bool Attach(std::span<const bpf::Instruction> filter) {
  std::vector<sock_filter> copy;
  for (const bpf::Instruction& instruction : filter) {
    copy.push_back({instruction.code, instruction.jt, instruction.jf, instruction.k});
  }
  const sock_fprog program = {static_cast<unsigned short>(copy.size()), copy.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// Runs `work` in a child and brings its result back.
template <class Result, class Work>
std::optional<Result> InChild(Work work) {
  void* const shared =
      mmap(nullptr, sizeof(Result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    _exit(work(*static_cast<Result*>(shared)) ? 0 : 1);
  }
  int status = 1;
  if (child > 0) (void)waitpid(child, &status, 0);
  const Result result = *static_cast<Result*>(shared);
  (void)munmap(shared, sizeof(Result));
  if (status != 0) return std::nullopt;
  return result;
}

double TimeCall(auto call) {
  const double start = Now();
  for (int i = 0; i < kCalls; ++i) call();
  return (Now() - start) / kCalls;
}

}  // namespace

double Now() {
  timespec now;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::optional<double> AttachHere(std::span<const bpf::Instruction> filter) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return std::nullopt;
  const double start = Now();
  if (!Attach(filter)) return std::nullopt;
  return Now() - start;
}

std::optional<double> AttachTime(std::span<const bpf::Instruction> filter) {
  return InChild<double>([&](double& time) {
    const auto attached = AttachHere(filter);
    time = attached.value_or(0);
    return attached.has_value();
  });
}

std::optional<CallTimes> TimeCalls(std::span<const bpf::Instruction> filter) {
  return InChild<CallTimes>([&](CallTimes& times) {
    if (!filter.empty() && !Attach(filter)) return false;
    times.getppid = TimeCall([] { (void)syscall(SYS_getppid); });
    times.ioctl = TimeCall([] { (void)syscall(SYS_ioctl, -1, 0x5413, 0); });
    times.clone3 = TimeCall([] { (void)syscall(SYS_clone3, 0, 0); });
    times.personality = TimeCall([] { (void)syscall(SYS_personality, 0xffffffff); });
    return true;
  });
}

}  // namespace bailey::bench
