// What the kernel is seen to answer, for each action, gate and shape of stack; and that the call is
// never made.
#include "prove/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <random>

#include "abi/arch.h"
#include "abi/syscalls.h"
#include "compile/compile.h"
#include "os/host.h"
#include "policy/load.h"
#include "prove/random_policy.h"

#if defined(__x86_64__)
namespace bailey::prove {
namespace {

using abi::Arch;
using Code = std::vector<bpf::Instruction>;

constexpr std::uint32_t kAllow = 0x7fff0000;
constexpr std::uint32_t kX86_64 = 0xc000003e;
constexpr std::uint32_t kI386 = 0x40000003;
constexpr std::uint32_t kSeccomp = 317;

Subject StackOf(const std::vector<Code>& codes) {
  Subject subject;
  for (const Code& code : codes) {
    auto program = bpf::Validate(code);
    if (!program) throw std::runtime_error(program.error().text);
    subject.stack.push_back(*std::move(program));
  }
  subject.archs = subject.listed = {Arch::kX86_64};
  return subject;
}

// `value` for this number, else allow.
Code Only(std::uint32_t number, std::uint32_t value) {
  return {{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
          {bpf::kJeq, 0, 1, number},
          {bpf::kReturn, 0, 0, value},
          {bpf::kReturn, 0, 0, kAllow}};
}
// `value` where the word at the offset is this, else errno 99.
Code Where(std::uint32_t offset, std::uint32_t word, std::uint32_t value) {
  return {
      {bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},  {bpf::kJeq, 1, 0, 39},   {bpf::kReturn, 0, 0, kAllow},
      {bpf::kLoadAbs, 0, 0, offset},          {bpf::kJeq, 0, 1, word}, {bpf::kReturn, 0, 0, value},
      {bpf::kReturn, 0, 0, 0x00050000u | 99u}};
}

std::string Ask(const std::vector<Code>& stack, const bpf::SeccompData& call) {
  return ReplayText(Replay(StackOf(stack), call));
}

struct Row {
  const char* sentence;
  std::vector<Code> stack;
  bpf::SeccompData call;
  const char* want;
};

TEST(Replay, ShowsEachAnswer) {
  const bpf::SeccompData getpid = {.nr = 39, .arch = kX86_64};
  const Row rows[] = {
      {"no filter", {}, getpid, "kernel: let through"},
      {"allow", {Only(39, kAllow)}, getpid, "kernel: let through"},
      {"log", {Only(39, 0x7ffc0000)}, getpid, "kernel: let through"},
      {"errno", {Only(39, 0x00050001)}, getpid, "kernel: EPERM"},
      {"errno without a name", {Only(39, 0x00050fff)}, getpid, "kernel: errno(4095)"},
      {"a success that never was", {Only(39, 0x00050000)}, getpid, "kernel: errno(0)"},
      {"trap", {Only(39, 0x00030007)}, getpid, "kernel: trap(7)"},
      {"kill", {Only(39, 0x80000000)}, getpid, "kernel: killed"},
      {"kill the thread", {Only(39, 0x00000000)}, getpid, "kernel: killed"},
      {"an action that the kernel does not know", {Only(39, 0x12340000)}, getpid, "kernel: killed"},
      {"notify", {Only(39, 0x7fc00000)}, getpid, "kernel: ENOSYS (notify without a listener)"},
      {"trace", {Only(39, 0x7ff00005)}, getpid, "kernel: trace(5)"},
      {"trace with the data of our own", {Only(39, 0x7ff0ba17)}, getpid, "kernel: trace(47639)"},
      {"the stricter stands",
       {Only(39, 0x00050002), Only(39, 0x00030001), Only(39, 0x00050003)},
       getpid,
       "kernel: trap(1)"},
      {"the newest of equals is heard",
       {Only(39, 0x00050002), Only(39, 0x00050003)},
       getpid,
       "kernel: ESRCH"},
      {"a number of nobody",
       {Only(0x3fffffff, 0x00050002)},
       {.nr = 0x3fffffff, .arch = kX86_64},
       "kernel: ENOENT"},
      {"what a tracer leaves",
       {Only(~0u, 0x00050002)},
       {.nr = ~0u, .arch = kX86_64},
       "kernel: ENOENT"},
      {"the same, allowed", {}, {.nr = ~0u, .arch = kX86_64}, "kernel: let through"},
      {"x32",
       {Only(0x40000027, 0x00050002)},
       {.nr = 0x40000027, .arch = kX86_64},
       "kernel: ENOENT"},
      {"the high half of an argument",
       {Where(bpf::OffsetHigh(1, false), 1, 0x00050002)},
       {.nr = 39, .arch = kX86_64, .args = {0, 0x100005412, 0, 0, 0, 0}},
       "kernel: ENOENT"},
      {"the last argument",
       {Where(bpf::OffsetLow(5, false), 0xfeedf00d, 0x00050002)},
       {.nr = 39, .arch = kX86_64, .args = {1, 2, 3, 4, 5, 0xfeedf00d}},
       "kernel: ENOENT"},
      {"the instruction pointer",
       {Where(bpf::kOffsetIp, 0x12345678, 0x00050002)},
       {.nr = 39, .arch = kX86_64, .instruction_pointer = 0x12345678},
       "kernel: ENOENT"},
      {"its high half, across a page",
       {Where(bpf::kOffsetIp + 4, 0x70, 0x00050002)},
       {.nr = 39, .arch = kX86_64, .instruction_pointer = 0x7000001001},
       "kernel: ENOENT"},
      {"where no instruction lies",
       {Where(bpf::kOffsetIp, 0, 0x00050002)},
       {.nr = 39, .arch = kX86_64},
       "not replayed: no instruction can be placed there: Invalid argument"},
      {"a filter that forbids the next one",
       {Only(kSeccomp, 0x00050001), Only(39, 0x00050002)},
       getpid,
       "not replayed: filter 2 cannot be attached: Operation not permitted"},
      {"a filter that kills for the next one",
       {Only(39, 0x00050001), Only(kSeccomp, 0x80000000), Only(39, 0x00050002)},
       getpid,
       "not replayed: the filters before filter 3 kill for attaching it"},
      {"every call killed but the one",
       {Code{{bpf::kReturn, 0, 0, 0x80000000}}},
       getpid,
       "kernel: killed"},
      {"another architecture",
       {},
       {.nr = 39, .arch = abi::Info(Arch::kPpc64).token},
       "not replayed: this kernel does not run ppc64"},
      {"an architecture of nobody",
       {},
       {.nr = 39, .arch = 0x1234},
       "not replayed: this kernel does not run architecture 0x1234"},
      {"a call that no filter is asked for",
       {},
       {.nr = 335, .arch = kX86_64},
       "not replayed: recent kernels make call 335 whatever a filter says"},
  };
  for (const Row& row : rows) EXPECT_EQ(Ask(row.stack, row.call), row.want) << row.sentence;
}

TEST(Replay, ReachesI386ThroughItsGate) {
  if (!os::HasCompatCalls()) GTEST_SKIP() << "this kernel runs no i386 calls";
  const Row rows[] = {
      {"allowed", {}, {.nr = 20, .arch = kI386}, "kernel: let through"},
      {"an errno", {Only(20, 0x00050002)}, {.nr = 20, .arch = kI386}, "kernel: ENOENT"},
      {"64-bit code shows whole registers",
       {Where(bpf::OffsetHigh(0, false), 0xdead, 0x00050002)},
       {.nr = 39, .arch = kI386, .args = {0xdead00000001, 0, 0, 0, 0, 0}},
       "kernel: ENOENT"},
      {"the last argument",
       {Where(bpf::OffsetLow(5, false), 0xfeedf00d, 0x00050002)},
       {.nr = 39, .arch = kI386, .args = {1, 2, 3, 4, 5, 0xfeedf00d}},
       "kernel: ENOENT"},
      {"the instruction pointer",
       {Where(bpf::kOffsetIp, 0x12345678, 0x00050002)},
       {.nr = 39, .arch = kI386, .instruction_pointer = 0x12345678},
       "kernel: ENOENT"},
  };
  for (const Row& row : rows) EXPECT_EQ(Ask(row.stack, row.call), row.want) << row.sentence;
}

TEST(Replay, SaysWhenTheKernelContradicts) {
  const ReplayAnswer answer = Replay(StackOf({Only(39, 0x00050001)}), {.nr = 39, .arch = kX86_64},
                                     verify::OutcomeOf(kAllow));
  EXPECT_EQ(answer.status, ReplayStatus::kContradicts);
  EXPECT_EQ(ReplayText(answer), "kernel: EPERM, contradicts: predicted allow");
}

TEST(Replay, NeverMakesTheCall) {
  const std::string path = testing::TempDir() + "bailey-replay-" + std::to_string(getpid());
  const auto mkdir_number = static_cast<std::uint32_t>(*abi::Number(Arch::kX86_64, "mkdir"));
  const bpf::SeccompData call = {
      .nr = mkdir_number,
      .arch = kX86_64,
      .args = {reinterpret_cast<std::uint64_t>(path.c_str()), 0755, 0, 0, 0, 0}};
  EXPECT_EQ(Ask({}, call), "kernel: let through");
  struct stat status;
  EXPECT_EQ(stat(path.c_str(), &status), -1) << "a replayed mkdir was made";
  // One that ends whoever makes it.
  const bpf::SeccompData exit = {.nr = 231, .arch = kX86_64, .args = {7, 0, 0, 0, 0, 0}};
  EXPECT_EQ(Ask({}, exit), "kernel: let through");
}

TEST(Replay, TheWitnessesOfEveryPresetAgree) {
  std::size_t agreed = 0;
  for (const policy::Preset& preset : policy::Presets()) {
    const auto policy = policy::Load(preset.name, {"/home/someone", "/proj", Arch::kX86_64});
    ASSERT_TRUE(policy);
    const auto program = compile::Compile(policy->syscalls);
    ASSERT_TRUE(program);
    Prover prover(SubjectOf(policy->syscalls, *program));
    for (const Guarantee& guarantee : BuiltinGuarantees()) {
      const Finding finding = prover.Prove(guarantee);
      if (!finding.witness || !finding.answer) continue;
      const auto answer = Replay(prover.GetSubject(), *finding.witness, *finding.answer);
      EXPECT_EQ(answer.status, ReplayStatus::kAgrees)
          << preset.name << " " << guarantee.name << " " << ReplayText(answer);
      ++agreed;
    }
  }
  EXPECT_GT(agreed, 30u);
}

TEST(Replay, RandomFiltersAnswerAsTheInterpreterSays) {
  const char* const text = std::getenv("BAILEY_SEED");
  const std::uint64_t seed =
      text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 0);
  std::mt19937_64 random(seed);
  const bool has_i386 = os::HasCompatCalls();
  std::size_t agreed = 0;
  for (int i = 0; i < 150; ++i) {
    const std::vector<Arch> listed = {Arch::kX86_64, Arch::kI386};
    const std::vector<std::string> names = {"reboot", "socket", "ioctl", "clone", "socketcall"};
    const auto program = compile::Compile(RandomSyscalls(random, listed, names));
    ASSERT_TRUE(program) << program.error().text;
    const Arch arch = has_i386 && random() % 2 == 0 ? Arch::kI386 : Arch::kX86_64;
    const auto number = abi::Number(arch, names[random() % names.size()]);
    if (!number) continue;
    bpf::SeccompData call = {.nr = *number, .arch = abi::Info(arch).token};
    for (std::uint64_t& argument : call.args)
      argument = random() % 3 == 0 ? random() : random() % 9;
    Subject subject;
    subject.stack = {*program};
    const ReplayAnswer answer = Replay(subject, call);
    ASSERT_NE(answer.status, ReplayStatus::kContradicts)
        << ReplayText(answer) << "\nBAILEY_SEED=" << seed;
    agreed += answer.status == ReplayStatus::kAgrees ? 1 : 0;
  }
  EXPECT_GT(agreed, 50u) << "BAILEY_SEED=" << seed;
  std::cout << agreed << " random calls replayed, seed " << seed << "\n";
}

}  // namespace
}  // namespace bailey::prove
#endif
