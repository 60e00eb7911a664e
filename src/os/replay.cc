#include "os/replay.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "os/process.h"
#include "os/seccomp.h"

#if defined(__x86_64__)
// The instructions that make the call, each with one behind it that stops. The tracer sets the
// registers and sends the child here.
asm(R"(
.pushsection .text
.balign 16
bailey_replay_native:
  syscall
  int3
bailey_replay_compat:
  int $0x80
  int3
.popsection
)");
extern "C" const char bailey_replay_native[];
extern "C" const char bailey_replay_compat[];
#endif

namespace bailey::os {

#if defined(__x86_64__)
namespace {

using Kind = KernelAnswer::Kind;

constexpr std::size_t kCallSize = 2;  // `syscall` and `int $0x80`
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kTop = 0x7ffffffff000;  // of user space with four levels of page tables

// What the child tells, in rax: by a breakpoint, since a filter may forbid it every call.
enum Step : std::uint64_t { kReady, kCannotPlace, kCannotAttach };

[[noreturn]] void Tell(Step step, std::uint64_t error, std::uint64_t filter) {
  for (;;) asm volatile("int3" ::"a"(step), "D"(error), "S"(filter) : "memory");
}

bool Place(const ReplayCall& call) {
  const std::uint64_t at = *call.instruction_pointer - kCallSize;
  if (*call.instruction_pointer < kCallSize || at > kTop - 2 * kPage) return errno = EINVAL, false;
  const std::uint64_t page = at & ~(kPage - 1);
  void* const got = ::mmap(reinterpret_cast<void*>(page), 2 * kPage, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return false;
  if (got != reinterpret_cast<void*>(page)) return errno = EEXIST, false;
  // With the breakpoint behind it.
  const char* const code = call.compat ? bailey_replay_compat : bailey_replay_native;
  std::memcpy(static_cast<char*>(got) + (at - page), code, kCallSize + 1);
  return ::mprotect(got, 2 * kPage, PROT_READ | PROT_EXEC) == 0;
}

[[noreturn]] void BeReplayed(std::span<const std::vector<std::uint8_t>> filters,
                             const ReplayCall& call) {
  const sock_filter trace = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | call.mark);
  const auto* const record = reinterpret_cast<const std::uint8_t*>(&trace);
  // A kill must not leave a core file, nor start the program that takes them.
  if (!SetDumpable(false)) Exit(errno);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) Exit(errno);
  if (::kill(::getpid(), SIGSTOP) != 0) Exit(errno);
  if (call.instruction_pointer && !Place(call))
    Tell(kCannotPlace, static_cast<std::uint64_t>(errno), 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    Tell(kCannotAttach, static_cast<std::uint64_t>(errno), 0);
  if (const auto done = AttachFilter({record, sizeof(trace)}); !done)
    Tell(kCannotAttach, static_cast<std::uint64_t>(done.error().value), 0);
  for (std::size_t i = 0; i < filters.size(); ++i) {
    const auto done = AttachFilter(filters[i]);
    if (!done) Tell(kCannotAttach, static_cast<std::uint64_t>(done.error().value), i);
  }
  Tell(kReady, 0, 0);
}

long Trace(unsigned request, pid_t pid, unsigned long address, void* data) {
  return ::ptrace(static_cast<__ptrace_request>(request), pid, address, data);
}

// The child, which does not outlive this.
class Tracee {
 public:
  explicit Tracee(pid_t pid) : pid_(pid) {}
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;
  ~Tracee() {
    if (has_ended_) return;
    (void)::kill(pid_, SIGKILL);  // it is our own child and not waited for: it exists
    (void)WaitFor(pid_);          // nobody can be told more than was seen already
  }

  // The next stop, or the end.
  base::Status Wait() {
    pid_t waited = 0;
    do {
      waited = ::waitpid(pid_, &status_, __WALL);
    } while (waited == -1 && errno == EINTR);
    if (waited != pid_) return base::SystemError("wait for a replayed call", errno);
    has_ended_ = !WIFSTOPPED(status_);
    return {};
  }
  base::Status Continue() {
    if (Trace(PTRACE_CONT, pid_, 0, nullptr) != 0)
      return base::SystemError("continue a replayed call", errno);
    return Wait();
  }

  bool HasEnded() const { return has_ended_; }
  bool IsAtSeccomp() const { return status_ >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8); }
  bool IsStoppedBy(int signal) const { return !has_ended_ && status_ >> 8 == signal; }
  int Status() const { return status_; }
  pid_t Pid() const { return pid_; }

 private:
  pid_t pid_;
  int status_ = 0;
  bool has_ended_ = false;
};

// Up to its first breakpoint. How many filters it asked to attach after ours: these calls stop at
// ours, and pass.
base::Result<std::size_t> Start(Tracee& tracee) {
  if (auto waited = tracee.Wait(); !waited) return waited.error();
  if (tracee.HasEnded()) {
    return base::Unsupported(std::string("trace a child: ") +
                             std::strerror(WEXITSTATUS(tracee.Status())));
  }
  const unsigned long options = PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;
  if (Trace(PTRACE_SETOPTIONS, tracee.Pid(), 0, reinterpret_cast<void*>(options)) != 0)
    return base::SystemError("trace a child", errno);
  for (std::size_t asked = 0;; ++asked) {
    if (auto done = tracee.Continue(); !done) return done.error();
    if (!tracee.IsAtSeccomp()) return asked;
  }
}

// Natively the kernel sees eax as a signed number; the upper half is not looked at.
void SetCall(user_regs_struct& registers, const ReplayCall& call) {
  const auto& args = call.args;
  const char* const gate = call.compat ? bailey_replay_compat : bailey_replay_native;
  registers.rip = call.instruction_pointer ? *call.instruction_pointer - kCallSize
                                           : reinterpret_cast<std::uint64_t>(gate);
  registers.rax = call.number;
  registers.orig_rax = ~0ull;  // it is in no call, so none is started again
  if (call.compat) {
    registers.rbx = args[0], registers.rcx = args[1], registers.rdx = args[2];
    registers.rsi = args[3], registers.rdi = args[4], registers.rbp = args[5];
  } else {
    registers.rdi = args[0], registers.rsi = args[1], registers.rdx = args[2];
    registers.r10 = args[3], registers.r8 = args[4], registers.r9 = args[5];
  }
}

base::Result<KernelAnswer> TakeBack(Tracee& tracee, std::uint16_t mark) {
  user_regs_struct registers = {};
  unsigned long told = 0;
  if (Trace(PTRACE_GETEVENTMSG, tracee.Pid(), 0, &told) != 0 ||
      Trace(PTRACE_GETREGS, tracee.Pid(), 0, &registers) != 0)
    return base::SystemError("read a replayed call", errno);
  registers.orig_rax = ~0ull;
  if (Trace(PTRACE_SETREGS, tracee.Pid(), 0, &registers) != 0)
    return base::SystemError("take a replayed call back", errno);
  if (told == mark) return KernelAnswer{Kind::kLetThrough, 0, 0};
  return KernelAnswer{Kind::kTraced, static_cast<std::int64_t>(told), 0};
}

base::Error Unexpected(const Tracee& tracee) {
  return base::Internal("replay a call: the child's wait status is " +
                        std::to_string(tracee.Status()));
}

base::Result<KernelAnswer> Ask(Tracee& tracee, const ReplayCall& call) {
  user_regs_struct registers = {};
  if (Trace(PTRACE_GETREGS, tracee.Pid(), 0, &registers) != 0)
    return base::SystemError("read the registers of a child", errno);
  const auto error = static_cast<std::int64_t>(registers.rdi);
  if (registers.rax == kCannotPlace) return KernelAnswer{Kind::kNotPlaced, error, 0};
  if (registers.rax == kCannotAttach) return KernelAnswer{Kind::kNotAttached, error, registers.rsi};
  SetCall(registers, call);
  if (Trace(PTRACE_SETREGS, tracee.Pid(), 0, &registers) != 0)
    return base::SystemError("set the registers of a child", errno);
  if (auto done = tracee.Continue(); !done) return done.error();
  if (tracee.IsAtSeccomp()) return TakeBack(tracee, call.mark);
  if (tracee.HasEnded()) {
    if (WIFSIGNALED(tracee.Status()) && WTERMSIG(tracee.Status()) == SIGSYS)
      return KernelAnswer{Kind::kKilled, 0, 0};
  } else if (tracee.IsStoppedBy(SIGSYS)) {
    siginfo_t info = {};
    if (Trace(PTRACE_GETSIGINFO, tracee.Pid(), 0, &info) != 0)
      return base::SystemError("read the signal of a child", errno);
    return KernelAnswer{Kind::kTrapped, info.si_errno, 0};
  } else if (tracee.IsStoppedBy(SIGTRAP)) {
    if (Trace(PTRACE_GETREGS, tracee.Pid(), 0, &registers) != 0)
      return base::SystemError("read the registers of a child", errno);
    const auto value = static_cast<std::int64_t>(registers.rax);
    return KernelAnswer{Kind::kReturned, call.compat ? static_cast<std::int32_t>(value) : value, 0};
  }
  return Unexpected(tracee);
}

}  // namespace

base::Result<KernelAnswer> AskKernel(std::span<const std::vector<std::uint8_t>> filters,
                                     const ReplayCall& call) {
  // Not clone3, which the filters of containers often refuse.
  const pid_t child = ::fork();
  if (child < 0) return base::SystemError("start a child", errno);
  if (child == 0) BeReplayed(filters, call);
  Tracee tracee(child);
  const auto asked = Start(tracee);
  if (!asked) return asked.error();
  // The filters before ended it for asking.
  if (tracee.HasEnded() || tracee.IsStoppedBy(SIGSYS))
    return KernelAnswer{Kind::kNotAttached, 0, *asked};
  if (!tracee.IsStoppedBy(SIGTRAP)) return Unexpected(tracee);
  return Ask(tracee, call);
}

#else

base::Result<KernelAnswer> AskKernel(std::span<const std::vector<std::uint8_t>>,
                                     const ReplayCall&) {
  return base::Unsupported("replay a call: it is made for kernels of x86_64");
}

#endif

}  // namespace bailey::os
