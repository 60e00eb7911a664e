#include "compile/compile.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "bpf/constant.h"
#include "bpf/disassembler.h"
#include "bpf/interpreter.h"

namespace bailey::compile {
namespace {

using abi::Arch;
using policy::Answer;
using policy::Rule;
using policy::Syscalls;
using testing::ElementsAre;
using testing::IsEmpty;

const Answer kAllow = {abi::ActionKind::kAllow, "", 0};
Answer Errno(std::string name) { return {abi::ActionKind::kErrno, std::move(name), 0}; }

Rule On(std::string syscall, Answer answer, std::string condition = "") {
  Rule rule;
  rule.syscall = std::move(syscall);
  rule.answer = std::move(answer);
  rule.location = {"p.toml", 1, 1};
  if (!condition.empty()) {
    auto parsed = policy::ParseCondition(condition);
    EXPECT_TRUE(parsed) << condition;
    rule.condition = *parsed;
  }
  return rule;
}

Rule OnNumber(Arch arch, std::uint32_t number, Answer answer) {
  Rule rule;
  rule.arch = arch;
  rule.number = number;
  rule.answer = std::move(answer);
  rule.location = {"p.toml", 1, 1};
  return rule;
}

Syscalls Make(std::vector<Arch> architectures, Answer otherwise, std::vector<Rule> rules) {
  Syscalls syscalls;
  syscalls.architectures = std::move(architectures);
  syscalls.default_action = std::move(otherwise);
  syscalls.rules = std::move(rules);
  return syscalls;
}

// "allow", "EPERM"...: what a filter answers.
std::string Ask(const bpf::Program& program, Arch arch, std::uint32_t number,
                std::vector<std::uint64_t> args = {}) {
  bpf::SeccompData data = {.nr = number, .arch = abi::Info(arch).token};
  for (std::size_t i = 0; i < args.size(); ++i) data.args[i] = args[i];
  const auto run = bpf::Interpret(program, data, abi::Info(arch).big_endian);
  return abi::ToString(abi::Decode(run.value), arch);
}
std::string Ask(const bpf::Program& program, Arch arch, std::string_view call,
                std::vector<std::uint64_t> args = {}) {
  return Ask(program, arch, abi::Number(arch, call).value(), std::move(args));
}

struct Row {
  std::string sentence;
  Syscalls policy;
  Arch arch;
  std::string call;
  std::vector<std::uint64_t> args;
  std::string want;
};

void RunRows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.sentence);
    const auto program = Compile(row.policy);
    ASSERT_TRUE(program) << program.error().text;
    EXPECT_EQ(Ask(*program, row.arch, row.call, row.args), row.want);
  }
}

Syscalls Deny(Arch arch, std::string call, std::string condition) {
  return Make({arch}, kAllow, {On(std::move(call), Errno("EPERM"), std::move(condition))});
}

TEST(Compile, ReadsAsManyBitsAsTheKernel) {
  const Syscalls ioctl = Deny(Arch::kX86_64, "ioctl", "cmd == TIOCSTI");
  const Syscalls mknod = Deny(Arch::kX86_64, "mknod", "mode & S_IFMT == S_IFIFO");
  const Syscalls clone = Deny(Arch::kX86_64, "clone", "clone_flags & CLONE_NEWUSER");
  const Syscalls priority = Deny(Arch::kX86_64, "setpriority", "niceval < -5");
  const Syscalls seek = Deny(Arch::kX86_64, "lseek", "offset < 0");
  const Syscalls raw = Deny(Arch::kX86_64, "ioctl", "arg1.raw == TIOCSTI");
  RunRows({
      {"a 32-bit argument", ioctl, Arch::kX86_64, "ioctl", {0, 0x5412}, "EPERM"},
      {"high bits are not read", ioctl, Arch::kX86_64, "ioctl", {0, 0x100005412}, "EPERM"},
      {"another value", ioctl, Arch::kX86_64, "ioctl", {0, 0x5413}, "allow"},
      {"raw reads all", raw, Arch::kX86_64, "ioctl", {0, 0x100005412}, "allow"},
      {"16 bits of a mode", mknod, Arch::kX86_64, "mknod", {0, 0x11180}, "EPERM"},
      {"another type", mknod, Arch::kX86_64, "mknod", {0, 0x8180}, "allow"},
      {"a flag", clone, Arch::kX86_64, "clone", {0x10000011}, "EPERM"},
      {"no flag", clone, Arch::kX86_64, "clone", {0x11}, "allow"},
      {"negative ints", priority, Arch::kX86_64, "setpriority", {0, 0, 0xfffffffa}, "EPERM"},
      {"the bound", priority, Arch::kX86_64, "setpriority", {0, 0, 0xfffffffb}, "allow"},
      {"positive ints", priority, Arch::kX86_64, "setpriority", {0, 0, 5}, "allow"},
      {"64-bit signs", seek, Arch::kX86_64, "lseek", {0, 1ull << 63}, "EPERM"},
      {"bit 31 is no sign of 64", seek, Arch::kX86_64, "lseek", {0, 1ull << 31}, "allow"},
  });
}

TEST(Compile, FollowsTheArchitecture) {
  const auto clone = [](Arch arch) { return Deny(arch, "clone", "clone_flags & CLONE_NEWUSER"); };
  const auto sti = [](Arch arch) { return Deny(arch, "ioctl", "cmd == TIOCSTI"); };
  RunRows({
      {"s390x takes flags second",
       clone(Arch::kS390x),
       Arch::kS390x,
       "clone",
       {0, 0x10000000},
       "EPERM"},
      {"... not first", clone(Arch::kS390x), Arch::kS390x, "clone", {0x10000000, 0}, "allow"},
      {"big endian reads the low half",
       sti(Arch::kS390x),
       Arch::kS390x,
       "ioctl",
       {0, 0x5412},
       "EPERM"},
      {"mips has its own request", sti(Arch::kMips), Arch::kMips, "ioctl", {0, 0x5472}, "EPERM"},
      {"... and not the usual one", sti(Arch::kMips), Arch::kMips, "ioctl", {0, 0x5412}, "allow"},
      {"ENOSYS is 89 on mips",
       Make({Arch::kMips}, Errno("ENOSYS"), {}),
       Arch::kMips,
       "read",
       {},
       "ENOSYS"},
  });
  const auto program = Compile(Make({Arch::kMips}, Errno("ENOSYS"), {}));
  EXPECT_EQ(
      bpf::Interpret(*program, {.nr = 4003, .arch = abi::Info(Arch::kMips).token}, true).value,
      0x00050000u | 89u);
}

TEST(Compile, FirstMatchDecides) {
  const Syscalls policy =
      Make({Arch::kX86_64}, Errno("EPERM"),
           {On("socket", Errno("EACCES"), "family == 16 and protocol == 9"),
            On("socket", kAllow, "family in {1, 2, 10, 16}"), On("socket", Errno("EAFNOSUPPORT"))});
  RunRows({
      {"the exception", policy, Arch::kX86_64, "socket", {16, 3, 9}, "EACCES"},
      {"beside it", policy, Arch::kX86_64, "socket", {16, 3, 8}, "allow"},
      {"allowed", policy, Arch::kX86_64, "socket", {10, 1, 9}, "allow"},
      {"the rest", policy, Arch::kX86_64, "socket", {40, 1, 0}, "EAFNOSUPPORT"},
      {"default", policy, Arch::kX86_64, "bind", {}, "EPERM"},
      {"libc falls back", policy, Arch::kX86_64, "clone3", {}, "ENOSYS"},
  });
}

TEST(Compile, AnswersNumbersThatNobodyNames) {
  Syscalls policy = Make({Arch::kX86_64}, kAllow, {});
  const auto program = Compile(policy);
  ASSERT_TRUE(program);
  const struct {
    std::string sentence;
    Arch arch;
    std::uint32_t number;
    std::string want;
  } rows[] = {
      {"known", Arch::kX86_64, 0, "allow"},
      {"a gap of the table", Arch::kX86_64, 400, "ENOSYS"},
      {"newer than the table", Arch::kX86_64, abi::kNewestNumber + 1, "ENOSYS"},
      {"x32 by its bit", Arch::kX86_64, 0x40000000, "kill-process"},
      {"x32 by its own numbers", Arch::kX86_64, 512, "kill-process"},
      {"... the last of them", Arch::kX86_64, 547, "kill-process"},
      {"beyond", Arch::kX86_64, 548, "ENOSYS"},
      {"what a tracer leaves to skip a call", Arch::kX86_64, 0xffffffff, "ENOSYS"},
      {"another architecture", Arch::kI386, 0, "kill-process"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(Ask(*program, row.arch, row.number), row.want) << row.sentence;
  }
}

TEST(Compile, X32HasBothItsForms) {
  const auto program = Compile(Make({Arch::kX32}, kAllow, {On("rt_sigaction", Errno("EPERM"))}));
  ASSERT_TRUE(program);
  EXPECT_EQ(Ask(*program, Arch::kX32, 512), "EPERM");
  EXPECT_EQ(Ask(*program, Arch::kX32, 512 | abi::kX32Bit), "EPERM");
  EXPECT_EQ(Ask(*program, Arch::kX32, 513), "allow");
  EXPECT_EQ(Ask(*program, Arch::kX32, 0), "kill-process") << "x86_64 is not listed";
  EXPECT_EQ(Ask(*program, Arch::kX32, 0xffffffff), "ENOSYS");
}

TEST(Compile, RawNumbersAreNamedByTheirRule) {
  const auto program =
      Compile(Make({Arch::kX86_64, Arch::kI386}, Errno("EPERM"),
                   {OnNumber(Arch::kX86_64, 400, kAllow), OnNumber(Arch::kX86_64, 0, kAllow),
                    OnNumber(Arch::kX86_64, 0xffffffff, kAllow)}));
  ASSERT_TRUE(program);
  EXPECT_EQ(Ask(*program, Arch::kX86_64, 400), "allow");
  EXPECT_EQ(Ask(*program, Arch::kX86_64, 0), "allow");
  EXPECT_EQ(Ask(*program, Arch::kX86_64, 1), "EPERM");
  EXPECT_EQ(Ask(*program, Arch::kX86_64, 0xffffffff), "allow");
  EXPECT_EQ(Ask(*program, Arch::kI386, 0), "EPERM");
}

TEST(Compile, MultiplexersFollowTheDirectCalls) {
  const auto denies = Make({Arch::kI386}, kAllow,
                           {On("socket", Errno("EAFNOSUPPORT"), "family == 40"),
                            On("accept", Errno("EPERM")), On("shmat", Errno("EACCES"))});
  const auto allows = Make({Arch::kI386}, Errno("EPERM"),
                           {On("socket", kAllow, "family == 1"), On("bind", kAllow)});
  Syscalls open = denies;
  open.multiplexers = policy::Multiplexers::kOpen;
  Syscalls named = denies;
  named.rules.push_back(On("socketcall", Errno("ENOSYS")));
  RunRows({
      {"a conditioned deny closes", denies, Arch::kI386, "socketcall", {1}, "EAFNOSUPPORT"},
      {"... whatever the high half says",
       denies,
       Arch::kI386,
       "socketcall",
       {1ull << 32 | 1},
       "EAFNOSUPPORT"},
      {"others stay", denies, Arch::kI386, "socketcall", {2}, "allow"},
      {"a call that is only there", denies, Arch::kI386, "socketcall", {5}, "EPERM"},
      {"no subcall", denies, Arch::kI386, "socketcall", {21}, "ENOSYS"},
      {"no subcall either", denies, Arch::kI386, "socketcall", {0}, "ENOSYS"},
      {"ipc's version is not its selector", denies, Arch::kI386, "ipc", {0x10015}, "EACCES"},
      {"ipc's others", denies, Arch::kI386, "ipc", {1}, "allow"},
      {"a conditioned allow opens nothing", allows, Arch::kI386, "socketcall", {1}, "EPERM"},
      {"an allow without condition does", allows, Arch::kI386, "socketcall", {2}, "allow"},
      {"open is open", open, Arch::kI386, "socketcall", {1}, "allow"},
      {"a rule of its own comes first", named, Arch::kI386, "socketcall", {1}, "ENOSYS"},
  });
}

TEST(Compile, LaysOutASmallPolicyAsDrawn) {
  const auto program =
      Compile(Make({Arch::kX86_64, Arch::kI386}, kAllow,
                   {On("ioctl", Errno("EPERM"), "cmd in {TIOCSTI, TIOCLINUX}"),
                    On("socket", Errno("EAFNOSUPPORT"), "not family in {1, 2, 10, 16}")}));
  ASSERT_TRUE(program);
  for (const Arch arch : {Arch::kX86_64, Arch::kI386}) {
    EXPECT_TRUE(bpf::IsConstantAllow(*program, abi::Info(arch).token, *abi::Number(arch, "read")));
    EXPECT_FALSE(
        bpf::IsConstantAllow(*program, abi::Info(arch).token, *abi::Number(arch, "ioctl")));
  }
  // Each block of tests is there once for both architectures.
  std::size_t loads = 0;
  for (const bpf::Instruction& instruction : program->Instructions()) {
    loads += instruction.code == bpf::kLoadAbs ? 1 : 0;
  }
  EXPECT_EQ(loads, 1u + 2u + 2u + 2u)
      << "arch, two numbers, cmd and family, the selectors of socketcall and ipc:\n"
      << bpf::Disassemble(*program);
}

TEST(Compile, MergesRangesAndFlags) {
  const auto size = [](std::string condition) {
    const auto with = Compile(Deny(Arch::kX86_64, "personality", std::move(condition)));
    const auto without =
        Compile(Make({Arch::kX86_64}, kAllow, {On("personality", Errno("EPERM"))}));
    return with->Size() - without->Size();
  };
  EXPECT_EQ(size("arg0 == 1"), 2u) << "ld, jeq";
  EXPECT_EQ(size("arg0 in {1, 2, 10, 16}"), 5u) << "ld, jge, jge, jeq, jeq";
  EXPECT_EQ(size("arg0 == 3 or arg0 == 4 or arg0 == 5"), 3u) << "ld, jge, jge";
  EXPECT_EQ(size("arg0 & 8"), 2u) << "ld, jset";
  EXPECT_EQ(size("arg0 & 8 and arg0 & 4"), 3u) << "one load for both flags";
  EXPECT_EQ(size("arg0 & 12 == 8"), 3u) << "ld, and, jeq";
  EXPECT_EQ(size("arg0 >= 5 and arg0 > 3"), 2u) << "one implies the other";
  EXPECT_EQ(size("arg0 == 1 or arg0 != 1"), 0u) << "always";
  EXPECT_EQ(size("arg0.raw == 1"), 4u) << "ld, jeq for both halves";
}

TEST(Compile, JumpsAreNeverTooFar) {
  // More blocks than a conditional jump reaches over.
  std::vector<Rule> rules;
  for (const abi::Syscall& call : abi::Syscalls(Arch::kX86_64)) {
    rules.push_back(On(std::string(call.name), Errno("EPERM"),
                       fmt::format("arg5.raw == {}", call.number * 7 + 1)));
  }
  const auto program = Compile(Make({Arch::kX86_64}, kAllow, rules));
  ASSERT_TRUE(program) << program.error().text;
  EXPECT_GT(program->Size(), 1000u);
  for (const abi::Syscall& call : abi::Syscalls(Arch::kX86_64)) {
    const std::uint64_t value = call.number * 7 + 1;
    ASSERT_EQ(Ask(*program, Arch::kX86_64, call.number, {0, 0, 0, 0, 0, value}), "EPERM");
    ASSERT_EQ(Ask(*program, Arch::kX86_64, call.number, {0, 0, 0, 0, 0, value + 1}), "allow");
  }
}

TEST(Compile, RefusesWhatNoFilterCanSay) {
  const auto error = [](const Syscalls& policy) {
    const auto program = Compile(policy);
    return program ? "no error" : base::ToString(program.error());
  };
  EXPECT_EQ(error(Make({Arch::kX86_64, Arch::kS390x}, kAllow, {})),
            "compile policy: x86_64 and s390x have different byte orders, and no kernel runs both; "
            "make a filter for each");
  EXPECT_EQ(error(Deny(Arch::kX86_64, "mknod", "mode == 0x11180")),
            "p.toml:1:1: compile condition \"mode == 0x11180\" on mknod, x86_64: 0x11180 does not "
            "fit in the 16 bits of mode on x86_64");
  EXPECT_EQ(error(Deny(Arch::kX86_64, "mknod", "nothing == 1")),
            "p.toml:1:1: compile condition \"nothing == 1\" on mknod, x86_64: find argument "
            "'nothing' of mknod on x86_64: the call has filename, mode, dev, and the registers "
            "arg0 to arg5");
  EXPECT_EQ(error(Deny(Arch::kAarch64, "mknod", "nothing == 1")), "no error")
      << "aarch64 has no mknod";

  std::string many = "arg0 in {0";
  for (int i = 1; i < 5000; ++i) many += fmt::format(", {}", 3 * i);
  EXPECT_EQ(error(Deny(Arch::kX86_64, "dup", many + "}")),
            "compile policy: the filter needs more than 4096 instructions; most are for dup on "
            "x86_64 (9999 tests)");
}

TEST(Compile, FrequentCallsAreTestedFirst) {
  std::vector<Rule> rules;
  for (const char* call : {"ioctl", "fcntl", "prctl", "socket", "clone", "personality", "futex"}) {
    rules.push_back(On(call, Errno("EPERM"), "arg0 == 77"));
  }
  Syscalls policy = Make({Arch::kX86_64, Arch::kI386}, kAllow, rules);
  const auto cost = [&](const policy::Hot& hot, std::string_view call) {
    policy.hot = hot;
    const auto program = Compile(policy);
    bpf::SeccompData data = {.nr = *abi::Number(Arch::kX86_64, call),
                             .arch = abi::Info(Arch::kX86_64).token};
    return bpf::Interpret(*program, data, false).instructions;
  };
  const policy::Hot hot = {{Arch::kX86_64, {{"prctl", 1000}, {"ioctl", 10}}},
                           {Arch::kI386, {{"socket", 5000}}}};
  EXPECT_LT(cost(hot, "prctl"), cost({}, "prctl"));
  EXPECT_EQ(cost(hot, "prctl"), 7u) << "ld arch, jeq, ld nr, jeq prctl, ld, jeq, ret";
}

TEST(Describe, CountsAndWarns) {
  Syscalls policy =
      Make({Arch::kX86_64, Arch::kI386, Arch::kX32}, kAllow,
           {On("ioctl", Errno("EPERM"), "cmd == 5"), On("read", kAllow), On("read", Errno("EPERM")),
            On("dup", Errno("EPERM"), "arg0 & 4 == 3"), On("socket", Errno("EPERM"), "family == 3"),
            On("socket", Errno("EACCES"), "family == 3 and type == 1")});
  policy.multiplexers = policy::Multiplexers::kOpen;
  const auto program = Compile(policy);
  ASSERT_TRUE(program);
  const auto report = Describe(policy, *program);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->instructions, program->Size());
  ASSERT_EQ(report->architectures.size(), 3u);
  const ArchReport& x86_64 = report->architectures[0];
  EXPECT_EQ(x86_64.arch, Arch::kX86_64);
  EXPECT_EQ(x86_64.allowed, x86_64.calls);
  EXPECT_EQ(x86_64.constant, x86_64.calls - 2) << "all but ioctl and socket";
  EXPECT_FALSE(report->architectures[2].has_bitmap) << "x32";
  EXPECT_EQ(report->architectures[2].constant, 0u);

  std::vector<std::string> texts;
  for (const Warning& warning : report->warnings) texts.push_back(warning.text);
  EXPECT_THAT(
      texts,
      ElementsAre("the rule for read never decides: p.toml:1:1 comes first",
                  "the rule for dup when arg0 & 4 == 3 never decides: no arguments are left for it",
                  "the rule for socket when family == 3 and type == 1 never decides: no arguments "
                  "are left for it",
                  "the conditions on socket are void on i386: socketcall reaches it, and is not "
                  "closed"));
}

// A task could attach just so many of flatpak's and agent's filters, of these lengths, before
// Linux 6.18 answered ENOMEM.
TEST(Describe, KnowsHowManyFiltersStack) {
  EXPECT_EQ(StackableFilters(108), 292u);
  EXPECT_EQ(StackableFilters(341), 94u);
  const auto length = [](std::vector<bpf::Instruction> instructions) {
    instructions.push_back({bpf::kReturn, 0, 0, 0});
    instructions.push_back({bpf::kReturn, 0, 0, 1});
    return TranslatedLength(*bpf::Validate(std::move(instructions))) - 7;
  };
  EXPECT_EQ(length({{bpf::kLoadAbs, 0, 0, 4}}), 1u);
  EXPECT_EQ(length({{bpf::kJeq, 1, 0, 5}}), 1u);
  EXPECT_EQ(length({{bpf::kJge, 0, 1, 5}}), 1u) << "turned around";
  EXPECT_EQ(length({{bpf::kJset, 0, 1, 5}}), 2u) << "cannot be turned around";
  EXPECT_EQ(length({{bpf::kJeq, 1, 1, 5}}), 2u);
  EXPECT_EQ(length({{bpf::kJeq, 1, 0, 0x80000000}}), 2u);
  EXPECT_EQ(length({{bpf::kJump, 0, 0, 1}}), 1u);
}

TEST(Stack, IsRefusedWhereNoTaskHasRoomForIt) {
  std::vector<bpf::Instruction> instructions(4095, {bpf::kJeq, 0, 0, 0x80000000});
  instructions.push_back({bpf::kReturn, 0, 0, 0});
  const auto longest = bpf::Validate(std::move(instructions));
  ASSERT_TRUE(longest);
  policy::Syscalls syscalls = Make({Arch::kAarch64}, kAllow, {});
  const auto own = Compile(syscalls);
  ASSERT_TRUE(own);
  for (std::uint32_t line = 1; line <= 3; ++line)
    syscalls.stack.push_back({"a.bpf", {"p.toml", line, 10}, *longest});
  EXPECT_TRUE(CheckStack(syscalls, *own));
  syscalls.stack.push_back({"b.bpf", {"p.toml", 4, 10}, *longest});
  const auto fits = CheckStack(syscalls, *own);
  ASSERT_FALSE(fits);
  EXPECT_EQ(fits.error().location.line, 4u);
  EXPECT_EQ(
      fits.error().text,
      fmt::format("stack filters: up to here they are {} translated instructions, and a task "
                  "can have 32768 in all (a.bpf 8199, a.bpf 8199, a.bpf 8199, b.bpf 8199, the "
                  "policy's own {})",
                  4 * 8199 + TranslatedLength(*own), TranslatedLength(*own)));
}

TEST(Describe, MeasuresTheLongestPath) {
  const auto program = Compile(Make({Arch::kAarch64}, kAllow, {}));
  ASSERT_TRUE(program);
  const auto report = Describe(Make({Arch::kAarch64}, kAllow, {}), *program);
  ASSERT_TRUE(report);
  std::uint32_t most = 0;
  for (std::uint32_t number = 0; number < 1000; ++number) {
    const bpf::SeccompData data = {.nr = number, .arch = abi::Info(Arch::kAarch64).token};
    most = std::max(most, bpf::Interpret(*program, data, false).instructions);
  }
  EXPECT_EQ(report->longest_path, most);
  EXPECT_THAT(report->warnings, IsEmpty());
}

}  // namespace
}  // namespace bailey::compile
