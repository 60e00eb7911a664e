// Filters on the kernel that runs this test: what it answers, call by call, is what the reading
// says. Calls are chosen so that they do no harm when they are let through: descriptors are closed,
// pointers point nowhere. Denials answer with errnos that no kernel uses.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <span>

#include "abi/syscalls.h"
#include "compile/compile.h"
#include "prove/random_policy.h"
#include "prove/reading.h"

#if defined(__x86_64__)
namespace bailey::prove {
namespace {

using abi::Arch;
using Args = std::array<std::uint64_t, 6>;

constexpr std::uint16_t kFirstErrno = 1000;
constexpr std::uint16_t kErrnos = 8;
constexpr std::size_t kMaxRows = 4096;
constexpr std::int64_t kNotTried = 1;

struct Attempt {
  Arch arch;
  std::uint32_t number;
  Args args;
};

std::int64_t CallNative(const Attempt& call) {
  std::int64_t result;
  register std::uint64_t r10 asm("r10") = call.args[3];
  register std::uint64_t r8 asm("r8") = call.args[4];
  register std::uint64_t r9 asm("r9") = call.args[5];
  asm volatile("syscall"
               : "=a"(result)
               : "a"(static_cast<std::uint64_t>(call.number)), "D"(call.args[0]), "S"(call.args[1]),
                 "d"(call.args[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

// The sixth argument is in ebp, which is kept in a register: a push would write below the stack
// pointer, where leaf functions have their variables.
std::int64_t CallI386(const Attempt& call) {
  std::uint64_t result;
  asm volatile(
      "mov %%rbp, %%r12\n\t"
      "mov %[sixth], %%rbp\n\t"
      "int $0x80\n\t"
      "mov %%r12, %%rbp"
      : "=a"(result)
      : "a"(static_cast<std::uint64_t>(call.number)), "b"(call.args[0]), "c"(call.args[1]),
        "d"(call.args[2]), "S"(call.args[3]), "D"(call.args[4]), [sixth] "r"(call.args[5])
      : "r8", "r9", "r10", "r11", "r12", "memory");
  return static_cast<std::int32_t>(result);
}

// Runs the attempts under the filter in a child that nobody waits long for.
bool RunUnder(const bpf::Program& program, std::span<const Attempt> attempts,
              std::span<std::int64_t> results) {
  void* const shared = mmap(nullptr, kMaxRows * sizeof(std::int64_t), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return false;
  auto* const slots = static_cast<std::int64_t*>(shared);
  for (std::size_t i = 0; i < attempts.size(); ++i) slots[i] = kNotTried;
  std::vector<std::uint8_t> bytes = program.Bytes();
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    syscall(SYS_close_range, 0u, ~0u, 0u);
    const sock_fprog filter = {static_cast<unsigned short>(program.Size()),
                               reinterpret_cast<sock_filter*>(bytes.data())};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) __builtin_trap();
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) __builtin_trap();
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      slots[i] =
          attempts[i].arch == Arch::kX86_64 ? CallNative(attempts[i]) : CallI386(attempts[i]);
      if (slots[i] >= 0) syscall(SYS_close_range, 0u, ~0u, 0u);
    }
    _exit(0);
  }
  int status = 0;
  const bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                     WEXITSTATUS(status) == 0;
  std::copy_n(slots, attempts.size(), results.begin());
  (void)munmap(shared, kMaxRows * sizeof(std::int64_t));
  return ended;
}

bool HasI386() {
  const auto program = compile::Compile({.default_action = {abi::ActionKind::kAllow, "", 0},
                                         .foreign = {abi::ActionKind::kAllow, "", 0},
                                         .architectures = {Arch::kX86_64}});
  const Attempt getpid[] = {{Arch::kI386, *abi::Number(Arch::kI386, "getpid"), {}}};
  std::int64_t result[1] = {};
  return RunUnder(*program, getpid, result) && result[0] > 0;
}

std::vector<std::string> HarmlessCalls() {
  return {"socket", "socketpair",  "accept", "ioctl", "mknod",       "chmod",   "fallocate",
          "lseek",  "personality", "open",   "bind",  "getpriority", "preadv2", "fadvise64"};
}

std::uint64_t Interesting(std::mt19937_64& random) {
  constexpr std::uint64_t kValues[] = {0,      1,      2,          3,          4,         10,
                                       16,     0x5412, 0x5413,     0x7ffe,     0x7fff,    0x8000,
                                       0xffff, 0xfffe, 0x7fffffff, 0x80000000, ~0ull - 2, ~0ull};
  const std::uint64_t value = kValues[random() % std::size(kValues)];
  switch (random() % 4) {
    case 0:
      return value | 0xdeadbeef00000000;
    case 1:
      return value ^ (1ull << (random() % 64));
    default:
      return value;
  }
}

// Every denial becomes one of a few errnos; the rest is allowed.
void OnlyErrnos(policy::Syscalls& syscalls) {
  std::uint16_t next = 0;
  const auto change = [&next](policy::Answer& answer) {
    if (answer.kind == abi::ActionKind::kAllow) return;
    const auto number = static_cast<std::uint16_t>(kFirstErrno + next++ % kErrnos);
    answer = {abi::ActionKind::kErrno, "", number};
  };
  for (policy::Rule& rule : syscalls.rules) change(rule.answer);
  // The child must be able to end.
  syscalls.default_action = {abi::ActionKind::kAllow, "", 0};
  syscalls.unknown = {abi::ActionKind::kErrno, "", kFirstErrno + kErrnos};
  syscalls.foreign = {abi::ActionKind::kErrno, "", kFirstErrno + kErrnos + 1};
}

std::vector<Attempt> RandomAttempts(std::mt19937_64& random, std::span<const Arch> archs) {
  std::vector<Attempt> attempts;
  std::vector<std::string> names = HarmlessCalls();
  names.push_back("socketcall");
  for (const Arch arch : archs) {
    for (const std::string& name : names) {
      const auto number = abi::Number(arch, name);
      for (int i = 0; number && i < 60; ++i) {
        Attempt attempt = {arch, *number, {}};
        for (std::uint64_t& argument : attempt.args) argument = Interesting(random);
        // socketcall reads its second argument; nothing is there.
        if (name == "socketcall") attempt.args = {Interesting(random), 0, 0, 0, 0, 0};
        attempts.push_back(attempt);
      }
    }
    // Nobody's numbers, and what a tracer leaves.
    for (const std::uint32_t number : {abi::kNewestNumber + 100, 0x3fffffffu, 0x80000000u, ~0u}) {
      attempts.push_back({arch, number, {}});
    }
  }
  return attempts;
}

// Also an i386 call shows seccomp whole registers when 64-bit code makes it with int 0x80
// (arch/x86/include/asm/syscall.h, syscall_get_arguments: regs->bx and not its low half).
bpf::SeccompData AsSeen(const Attempt& attempt) {
  bpf::SeccompData data = {.nr = attempt.number, .arch = abi::Info(attempt.arch).token};
  data.args = attempt.args;
  return data;
}

TEST(Live, TheKernelAnswersAsTheReadingSays) {
  std::vector<Arch> archs = {Arch::kX86_64};
  if (HasI386()) {
    archs.push_back(Arch::kI386);
  } else {
    std::cout << "SKIP i386: this kernel runs no i386 calls\n";
  }
  const char* const text = std::getenv("BAILEY_SEED");
  const std::uint64_t first_seed =
      text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 0);
  std::size_t denied = 0;
  std::size_t allowed = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + 50; ++seed) {
    std::mt19937_64 random(seed);
    // i386 is foreign to every fourth filter.
    std::vector<Arch> listed = {Arch::kX86_64};
    if (seed % 4 != 0) listed.push_back(Arch::kI386);
    policy::Syscalls syscalls = RandomSyscalls(random, listed, HarmlessCalls());
    OnlyErrnos(syscalls);
    const auto program = compile::Compile(syscalls);
    ASSERT_TRUE(program) << program.error().text << "\nBAILEY_SEED=" << seed;
    const std::vector<Attempt> attempts = RandomAttempts(random, archs);
    ASSERT_LE(attempts.size(), kMaxRows);
    std::vector<std::int64_t> results(attempts.size());
    ASSERT_TRUE(RunUnder(*program, attempts, results)) << "BAILEY_SEED=" << seed;
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      const bpf::SeccompData data = AsSeen(attempts[i]);
      const Decision decision = Decide(syscalls, data);
      const bool is_denied = decision.action.kind == abi::ActionKind::kErrno;
      const bool was_denied = results[i] <= -kFirstErrno && results[i] > -kFirstErrno - 2 * kErrnos;
      ASSERT_TRUE(is_denied ? results[i] == -decision.action.data : !was_denied)
          << abi::Info(attempts[i].arch).name << " " << attempts[i].number << "(" << std::hex
          << data.args[0] << ", " << data.args[1] << ", " << data.args[2] << ", " << data.args[3]
          << ", " << data.args[4] << ", " << data.args[5] << std::dec << ") gave " << results[i]
          << ", the reading says " << abi::ToString(decision.action) << " (" << decision.reason
          << ")\nBAILEY_SEED=" << seed;
      (is_denied ? denied : allowed) += 1;
    }
  }
  std::cout << "50 filters from seed " << first_seed << ": " << denied << " calls denied and "
            << allowed << " let through, on";
  for (const Arch arch : archs) std::cout << " " << abi::Info(arch).name;
  std::cout << "\n";
}

}  // namespace
}  // namespace bailey::prove
#endif
