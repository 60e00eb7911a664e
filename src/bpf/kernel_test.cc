// The kernel as oracle: what it accepts, and what it answers. A child attaches filters (it cannot
// be rid of them again), leaves what it saw in shared memory, and ends by an illegal instruction,
// which needs no system call.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <functional>
#include <optional>

#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "bpf/random_program.h"

namespace bailey::bpf {
namespace {

constexpr bool kBigEndian = std::endian::native == std::endian::big;

// 0, or the errno.
int Attach(std::span<const Instruction> instructions) {
  static_assert(sizeof(Instruction) == sizeof(sock_filter));
  const sock_fprog program = {
      static_cast<unsigned short>(instructions.size()),
      reinterpret_cast<sock_filter*>(const_cast<Instruction*>(instructions.data()))};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ? 0 : errno;
}

template <class T>
class Shared {
 public:
  Shared()
      : value_(static_cast<T*>(
            mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Shared() { munmap(value_, sizeof(T)); }
  Shared(const Shared&) = delete;
  T* operator->() { return value_; }
  T& operator*() { return *value_; }

 private:
  T* value_;
};

// Runs `body` in a child that may attach filters and waits for its end.
void InChild(const std::function<void()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) body();
    __builtin_trap();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

bool CanAttach() {
  Shared<int> result;
  *result = -1;
  const Instruction allow = {kReturn, 0, 0, SECCOMP_RET_ALLOW};
  InChild([&] { *result = Attach({&allow, 1}); });
  return *result == 0;
}

struct Verdicts {
  std::uint32_t next = 0;
  std::array<int, 4096> error = {};
};

TEST(Kernel, AcceptsAndRefusesWhatValidateDoes) {
  if (!CanAttach()) GTEST_SKIP() << "SKIP: this host does not let a test attach seccomp filters";
  constexpr std::uint64_t kSeed = 20261;
  RandomPrograms random(kSeed);
  std::vector<std::vector<Instruction>> programs;
  for (std::uint32_t round = 0; round < 4096; ++round) {
    programs.push_back(random.Mutated({.size = 1 + random.Below(14)}));
  }
  Shared<Verdicts> verdicts;
  while (verdicts->next < programs.size()) {
    // A refused filter leaves the child as it was; an accepted one is its last.
    InChild([&] {
      int error = EINVAL;
      while (error == EINVAL && verdicts->next < programs.size()) {
        error = Attach(programs[verdicts->next]);
        verdicts->error[verdicts->next++] = error;
      }
    });
  }
  int accepted = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto program = Validate(programs[i]);
    accepted += program ? 1 : 0;
    ASSERT_EQ(verdicts->error[i], program ? 0 : EINVAL)
        << "seed " << kSeed << ", program " << i << ": "
        << (program ? Disassemble(*program) : program.error().text);
  }
  RecordProperty("accepted", accepted);
  EXPECT_GT(accepted, 1000);
  EXPECT_LT(accepted, 3500);
}

constexpr std::size_t kCalls = 24;
struct Answers {
  std::array<long, kCalls> value = {};
};

// `program` with its returns replaced by jumps to an end that answers with 12 bits of the value, as
// an errno: the only part of a returned value that a caller can see.
std::optional<Program> WithVisibleResult(const Program& program, std::uint32_t shift) {
  std::vector<Instruction> instructions(program.Instructions().begin(),
                                        program.Instructions().end());
  const auto size = static_cast<std::uint32_t>(instructions.size());
  for (std::uint32_t pc = 0; pc < size; ++pc) {
    Instruction& instruction = instructions[pc];
    if (instruction.code == kReturn) return std::nullopt;
    if (instruction.code == kReturnA) instruction = {kJump, 0, 0, size - pc - 1};
  }
  instructions.push_back({kRsh, 0, 0, shift});
  instructions.push_back({kAnd, 0, 0, 0xfff});
  instructions.push_back({kOr, 0, 0, SECCOMP_RET_ERRNO});
  instructions.push_back({kReturnA, 0, 0, 0});
  auto changed = Validate(std::move(instructions));
  if (!changed) return std::nullopt;
  return *std::move(changed);
}

// Numbers 335 and 336 (uretprobe, uprobe) pass newer x86_64 kernels whatever the filter says.
SeccompData HarmlessCall(RandomPrograms& random, const Program& program) {
  SeccompData data = random.DataFor(program, kBigEndian);
  if (data.nr == 335 || data.nr == 336) data.nr = 39;
  return data;
}

TEST(Kernel, AnswersWhatTheInterpreterDoes) {
  if (!CanAttach()) GTEST_SKIP() << "SKIP: this host does not let a test attach seccomp filters";
  constexpr std::uint64_t kSeed = 20262;
  RandomPrograms random(kSeed);
  Shared<Answers> answers;
  // Learns the architecture token that this process's calls carry.
  std::uint32_t token = 0;
  for (std::uint32_t shift = 0; shift < 36; shift += 12) {
    const auto program =
        WithVisibleResult(*Validate({{kLoadAbs, 0, 0, kOffsetArch}, {kReturnA, 0, 0, 0}}), shift);
    InChild([&] {
      Attach(program->Instructions());
      answers->value[0] = syscall(39) == -1 ? errno : 0;
    });
    token |= static_cast<std::uint32_t>(answers->value[0]) << shift;
  }
  int compared = 0;
  for (int round = 0; round < 1500; ++round) {
    std::optional<Program> program;
    while (!program) {
      program = WithVisibleResult(
          random.Accepted({.size = 8 + random.Below(20), .loads_ip = false, .return_a = true}),
          std::array{0u, 0u, 12u, 20u}[random.Below(4)]);
    }
    std::array<SeccompData, kCalls> calls;
    for (SeccompData& call : calls) {
      call = HarmlessCall(random, *program);
      call.arch = token;
    }
    // A division by zero answers "kill thread" and ends the child: such calls come last, alone.
    std::size_t asked = 0;
    for (const SeccompData& call : calls) {
      if (Interpret(*program, call, kBigEndian).value != 0) calls[asked++] = call;
    }
    answers->value.fill(-1);
    InChild([&] {
      if (Attach(program->Instructions()) != 0) return;
      for (std::size_t i = 0; i < asked; ++i) {
        const SeccompData& call = calls[i];
        answers->value[i] =
            syscall(static_cast<long>(static_cast<std::int32_t>(call.nr)), call.args[0],
                    call.args[1], call.args[2], call.args[3], call.args[4], call.args[5]) == -1
                ? errno
                : 0;
      }
    });
    for (std::size_t i = 0; i < asked; ++i) {
      const std::uint32_t want = Interpret(*program, calls[i], kBigEndian).value & 0xfff;
      ASSERT_EQ(answers->value[i], static_cast<long>(want))
          << "seed " << kSeed << ", round " << round << ", nr " << calls[i].nr << "\n"
          << Disassemble(*program);
      ++compared;
    }
  }
  RecordProperty("compared", compared);
  EXPECT_GT(compared, 20000);
}

TEST(Kernel, EndsTheThreadOnDivisionByZero) {
  if (!CanAttach()) GTEST_SKIP() << "SKIP: this host does not let a test attach seccomp filters";
  const auto program = Validate({{kDiv | kX, 0, 0, 0}, {kReturn, 0, 0, SECCOMP_RET_ERRNO | 7}});
  ASSERT_TRUE(program);
  Shared<int> reached;
  *reached = 0;
  InChild([&] {
    Attach(program->Instructions());
    *reached = 1;
    syscall(39);
    *reached = 2;
  });
  EXPECT_EQ(*reached, 1);
}

}  // namespace
}  // namespace bailey::bpf
