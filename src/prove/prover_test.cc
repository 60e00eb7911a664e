// Filters with the known mistakes of this field: each must be refuted, with the witness that shows
// the mistake; and the same filter without it must not be.
#include "prove/prover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "abi/arch.h"
#include "bpf/interpreter.h"
#include "compile/compile.h"
#include "policy/load.h"

namespace bailey::prove {
namespace {

using abi::Arch;

policy::Policy Read(std::string_view text) {
  auto policy = policy::Parse(text, "test.toml", {"/home/someone", "/proj", Arch::kX86_64});
  if (!policy) throw std::runtime_error(base::ToString(policy.error()));
  return *std::move(policy);
}

Subject Compiled(std::string_view calls) {
  const policy::Policy policy = Read("bailey = 1\nname = \"t\"\n[syscalls]\n" + std::string(calls));
  auto program = compile::Compile(policy.syscalls);
  if (!program) throw std::runtime_error(program.error().text);
  return SubjectOf(policy.syscalls, *std::move(program));
}

std::string Say(Prover& prover, std::string_view name) {
  const Guarantee* const guarantee = prover.Find(name);
  if (guarantee == nullptr) return "no such guarantee";
  const Finding finding = prover.Prove(*guarantee);
  const std::string verdict = finding.verdict == Verdict::kProved    ? "proved"
                              : finding.verdict == Verdict::kRefuted ? "refuted: "
                                                                     : "undecided: ";
  return verdict + WitnessText(finding);
}

std::string Judge(Subject subject, std::string_view name) {
  Prover prover(std::move(subject));
  return Say(prover, name);
}

constexpr std::string_view kAllows =
    "default = \"allow\"\nunknown = \"ENOSYS\"\narchitectures = [\"x86_64\", \"i386\"]\n";

struct Mistake {
  const char* sentence;
  std::string calls;
  const char* guarantee;
  const char* want;
};

TEST(Prover, FindsTheKnownMistakes) {
  const std::string allows(kAllows);
  const Mistake rows[] = {
      {"64 bits compared of a 32-bit argument",
       allows + "deny = [{ syscall = \"ioctl\", when = \"arg1.raw == TIOCSTI\" }]\n",
       "no-tty-injection",
       "refuted: x86_64: ioctl(fd=0, cmd=0x100005412 /* TIOCSTI with high bits */, arg=0) -> "
       "allow"},
      {"the same, right", allows + "deny = [{ syscall = \"ioctl\", when = \"cmd == TIOCSTI\" }]\n",
       "no-tty-injection", "proved"},
      {"socketcall forgotten",
       allows + "multiplexers = \"open\"\ndeny = [\"@io-uring\", { syscall = \"socket\", when = "
                "\"family == AF_ALG\" }, { syscall = \"socketpair\", when = \"family == AF_ALG\" "
                "}]\n",
       "no-socket-alg", "refuted: i386: socketcall(call=1 /* SYS_SOCKET */, args=0) -> allow"},
      {"the same, followed",
       allows + "deny = [\"@io-uring\", { syscall = \"socket\", when = \"family == AF_ALG\" }, { "
                "syscall = \"socketpair\", when = \"family == AF_ALG\" }]\n",
       "no-socket-alg", "proved"},
      {"families with io_uring open",
       allows + "deny = [{ syscall = \"socket\", when = \"family == AF_ALG\" }, { syscall = "
                "\"socketpair\", when = \"family == AF_ALG\" }]\n",
       "no-socket-alg",
       "refuted: x86_64: io_uring_setup(entries=0, params=0) -> allow (through no-io-uring)"},
      {"clone3 open",
       allows + "deny = [\"setns\", { syscall = \"clone\", when = \"flags & CLONE_NEWUSER\" }, { "
                "syscall = \"unshare\", when = \"flags & CLONE_NEWUSER\" }]\n",
       "no-new-user-namespace", "refuted: x86_64: clone3(uargs=0, size=0) -> allow"},
      {"a list older than open_tree_attr",
       allows + "deny = [\"open_tree\", \"move_mount\", \"fsopen\", \"fsconfig\", \"fsmount\", "
                "\"fspick\", \"mount_setattr\"]\n",
       "no-mount-api",
       "refuted: x86_64: open_tree_attr(dfd=0, filename=0, flags=0, uattr=0, usize=0) -> allow"},
      {"a success that never was", allows + "deny = [{ syscall = \"setuid\", errno = 0 }]\n",
       "no-fake-success", "refuted: x86_64: setuid(uid=0) -> errno(0)"},
      {"a log where a deny was meant",
       allows + "deny = [{ syscall = \"ptrace\", action = \"log\" }]\n", "no-ptrace",
       "refuted: x86_64: ptrace(request=0, pid=0, addr=0, data=0) -> log"},
      {"a tracer answers", allows + "deny = [{ syscall = \"ptrace\", action = \"trace\" }]\n",
       "no-ptrace",
       "undecided: x86_64: ptrace(request=0, pid=0, addr=0, data=0) -> trace (a tracer or a "
       "supervisor answers, which the filter does not show)"},
      {"clocks behind a pointer",
       allows + "deny = [\"settimeofday\", \"clock_settime\", \"clock_settime64\", \"stime\"]\n",
       "no-clock-set",
       "undecided: x86_64: adjtimex(txc_p=0) -> allow (behind a pointer: modes, which says whether "
       "the clock is set or read)"},
      {"numbers that no filter sees", allows, "no-uprobe",
       "undecided: the kernel passes x86_64 335 (uretprobe) whatever a filter says"},
      {"another architecture open",
       "default = \"allow\"\nforeign = \"allow\"\narchitectures = [\"x86_64\"]\n",
       "architectures-closed", "refuted: i386: restart_syscall() -> allow"},
      {"EPERM where libc falls back",
       allows + "deny = [{ syscall = \"clone3\", errno = \"EPERM\" }]\n", "fallback-enosys",
       "refuted: x86_64: clone3(uargs=0, size=0) -> EPERM"},
  };
  for (const Mistake& row : rows) {
    EXPECT_EQ(Judge(Compiled(row.calls), row.guarantee), row.want) << row.sentence;
  }
}

bpf::Program Assembled(std::vector<bpf::Instruction> instructions) {
  auto program = bpf::Validate(std::move(instructions));
  if (!program) throw std::runtime_error(program.error().text);
  return *std::move(program);
}

Subject Raw(std::vector<bpf::Program> stack) {
  Subject subject;
  subject.stack = std::move(stack);
  subject.listed = {Arch::kX86_64};
  subject.archs = MachineArchs(subject.listed);
  return subject;
}

constexpr std::uint32_t kAllow = 0x7fff0000;
constexpr std::uint32_t kEperm = 0x00050001;

TEST(Prover, SeesX32ThroughAFilterThatForgotIt) {
  // if (arch != x86_64) kill; if (nr == ptrace) EPERM; allow
  const bpf::Program program = Assembled({{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
                                          {bpf::kJeq, 1, 0, 0xc000003e},
                                          {bpf::kReturn, 0, 0, 0x80000000},
                                          {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                                          {bpf::kJeq, 0, 1, 101},
                                          {bpf::kReturn, 0, 0, kEperm},
                                          {bpf::kReturn, 0, 0, kAllow}});
  EXPECT_EQ(Judge(Raw({program}), "no-ptrace"),
            "refuted: x32: ptrace(request=0, pid=0, addr=0, data=0) -> allow");
  EXPECT_EQ(Judge(Raw({program}), "x32-closed"),
            "refuted: x32: rt_sigaction /* number 512 without x32's bit */ () -> allow");
  EXPECT_EQ(Judge(Raw({program}), "architectures-closed"),
            "refuted: x32: rt_sigaction /* number 512 without x32's bit */ () -> allow");
}

TEST(Prover, TheStricterFilterOfAStackStands) {
  const auto only = [](std::uint32_t number) {
    return Assembled({{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                      {bpf::kAnd, 0, 0, ~abi::kX32Bit},
                      {bpf::kJeq, 0, 1, number},
                      {bpf::kReturn, 0, 0, kEperm},
                      {bpf::kReturn, 0, 0, kAllow}});
  };
  Subject subject = Raw({only(101), only(321)});
  subject.archs = {Arch::kX86_64};
  Prover prover(subject);
  EXPECT_EQ(Say(prover, "no-ptrace"), "proved");
  EXPECT_EQ(Say(prover, "no-bpf"), "proved");
  EXPECT_EQ(Say(prover, "no-kexec"),
            "refuted: x86_64: kexec_load(entry=0, nr_segments=0, segments=0, flags=0) -> allow");
}

// The author of the second filter thinks that it closes what the first leaves, or that it only
// adds.
TEST(Prover, FindsWhatTheSecondFilterOfAStackDoesNotClose) {
  const auto when = [](std::uint32_t arch, std::uint32_t number, std::uint32_t value) {
    return Assembled({{bpf::kLoadAbs, 0, 0, bpf::kOffsetArch},
                      {bpf::kJeq, 0, 3, arch},
                      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                      {bpf::kJeq, 0, 1, number},
                      {bpf::kReturn, 0, 0, value},
                      {bpf::kReturn, 0, 0, kAllow}});
  };
  constexpr std::uint32_t kX86_64 = 0xc000003e;
  constexpr std::uint32_t kI386 = 0x40000003;
  Subject subject = Raw({when(kX86_64, 101, kEperm), when(kX86_64, 101, 0x80000000)});
  subject.archs = {Arch::kX86_64, Arch::kI386};
  EXPECT_EQ(Judge(subject, "no-ptrace"),
            "refuted: i386: ptrace(request=0, pid=0, addr=0, data=0) -> allow");
  subject.stack = {when(kX86_64, 101, kEperm), when(kI386, 26, kEperm)};
  EXPECT_EQ(Judge(subject, "no-ptrace"), "proved");
  // Of two errnos the newer filter's is returned: a denial becomes a success that never was.
  subject.stack = {when(kX86_64, 101, kEperm), when(kX86_64, 101, 0x00050000)};
  EXPECT_EQ(Judge(subject, "no-fake-success"),
            "refuted: x86_64: ptrace(request=0, pid=0, addr=0, data=0) -> errno(0)");
  subject.stack = {when(kX86_64, 101, 0x00050000), when(kX86_64, 101, kEperm)};
  EXPECT_EQ(Judge(subject, "no-fake-success"), "proved");
  // The second logs what the first denies: no looser. The other way round neither.
  subject.stack = {when(kX86_64, 101, kEperm), when(kX86_64, 101, 0x7ffc0000)};
  subject.archs = {Arch::kX86_64};
  EXPECT_EQ(Judge(subject, "no-ptrace"), "proved");
}

TEST(Prover, FamiliesAreThePolicysOwn) {
  const std::string start =
      "default = \"allow\"\nunknown = \"ENOSYS\"\narchitectures = [\"x86_64\"]\nforeign = "
      "\"kill-process\"\ndeny = [\"@io-uring\"]\n";
  EXPECT_EQ(
      Judge(Compiled(start + "socket-families = [\"inet\", \"vsock\"]\n"), "only-socket-families"),
      "proved");
  EXPECT_EQ(Judge(Compiled(start + "socket-families = []\n"), "only-socket-families"), "proved");
  Subject other = Compiled(start + "socket-families = [\"inet\", \"vsock\"]\n");
  other.families = {1, 2, 10, 16};
  EXPECT_EQ(Judge(other, "only-socket-families"),
            "refuted: x86_64: socket(family=0x28 /* AF_VSOCK */, type=0, protocol=0) -> allow");
  // flatpak's condition is on socket alone, and lets AF_UNSPEC pass, which makes no socket.
  const auto flatpak = policy::Load("flatpak", {"/home/someone", "/proj", Arch::kX86_64});
  ASSERT_TRUE(flatpak);
  const auto program = compile::Compile(flatpak->syscalls);
  ASSERT_TRUE(program);
  Subject subject = SubjectOf(flatpak->syscalls, *program);
  EXPECT_EQ(
      Judge(subject, "only-socket-families"),
      "refuted: x86_64: socketpair(family=3 /* AF_AX25 */, type=0, protocol=0, usockvec=0) -> "
      "allow");
  subject.archs = {Arch::kI386};
  EXPECT_EQ(Judge(subject, "only-socket-families"),
            "refuted: i386: socketcall(call=1 /* SYS_SOCKET */, args=0) -> allow");
}

TEST(Prover, AnActionThatTheKernelDoesNotKnow) {
  EXPECT_EQ(Judge(Raw({Assembled({{bpf::kReturn, 0, 0, 0x12340000}})}), "well-formed"),
            "refuted: architecture 0x0: number 0x0() -> kill-process (an action that the kernel "
            "does not know)");
  EXPECT_EQ(Judge(Raw({Assembled({{bpf::kReturn, 0, 0, 0x0005ffff}})}), "well-formed"),
            "refuted: pc 0 returns an errno above 4095, which the kernel cuts");
}

TEST(Prover, SilenceIsNoProof) {
  Subject subject = Raw({Assembled({{bpf::kReturn, 0, 0, kAllow}})});
  subject.archs = {Arch::kAarch64};
  EXPECT_EQ(Judge(subject, "no-legacy-x86"), "undecided: it says nothing about aarch64");
  subject.stack = {Assembled({{bpf::kReturn, 0, 0, kEperm}})};
  EXPECT_EQ(Judge(subject, "no-legacy-x86"), "proved");
}

TEST(Prover, ALimitIsNotAVerdict) {
  Prover prover(Compiled(std::string(kAllows) + "deny = [\"ptrace\"]\n"), {},
                {.nodes = 20, .steps = 50});
  EXPECT_EQ(Say(prover, "no-ptrace"),
            "undecided: the limit of nodes or steps was reached before an answer");
}

// Every refutation of every preset is a call that the interpreter answers as said.
TEST(Prover, WitnessesAreWhatTheFilterAnswers) {
  std::size_t refuted = 0;
  for (const policy::Preset& preset : policy::Presets()) {
    const auto policy = policy::Load(preset.name, {"/home/someone", "/proj", Arch::kX86_64});
    ASSERT_TRUE(policy);
    const auto program = compile::Compile(policy->syscalls);
    ASSERT_TRUE(program);
    Prover prover(SubjectOf(policy->syscalls, *program));
    for (const Guarantee& guarantee : BuiltinGuarantees()) {
      const Finding finding = prover.Prove(guarantee);
      if (!finding.witness) continue;
      ++refuted;
      ASSERT_TRUE(finding.answer);
      const auto run = bpf::Interpret(*program, *finding.witness, false);
      EXPECT_EQ(abi::Decode(run.value), abi::Decode(verify::ValueOf(*finding.answer)))
          << preset.name << " " << guarantee.name << " " << WitnessText(finding);
    }
  }
  EXPECT_GT(refuted, 10u);
}

}  // namespace
}  // namespace bailey::prove
