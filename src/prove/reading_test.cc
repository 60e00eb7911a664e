#include "prove/reading.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bpf/disassembler.h"
#include "compile/compile.h"

namespace bailey::prove {
namespace {

using abi::Arch;
using policy::Answer;
using policy::Rule;
using policy::Syscalls;

const Answer kAllow = {abi::ActionKind::kAllow, "", 0};
Answer Errno(std::string name) { return {abi::ActionKind::kErrno, std::move(name), 0}; }

Rule On(std::string syscall, Answer answer, std::string condition = "") {
  Rule rule;
  rule.syscall = std::move(syscall);
  rule.answer = std::move(answer);
  rule.origin = "deny of test";
  rule.location = {"p.toml", 7, 3};
  if (!condition.empty()) {
    auto parsed = policy::ParseCondition(condition);
    EXPECT_TRUE(parsed) << condition;
    rule.condition = *parsed;
  }
  return rule;
}

Syscalls Make(std::vector<Arch> architectures, Answer otherwise, std::vector<Rule> rules) {
  Syscalls syscalls;
  syscalls.architectures = std::move(architectures);
  syscalls.default_action = std::move(otherwise);
  syscalls.rules = std::move(rules);
  return syscalls;
}

struct Row {
  std::string sentence;
  Arch arch;
  std::uint32_t number;
  std::vector<std::uint64_t> args;
  std::string want;  // "EPERM: reason"
};

void RunRows(const Syscalls& syscalls, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    bpf::SeccompData data = {.nr = row.number, .arch = abi::Info(row.arch).token};
    for (std::size_t i = 0; i < row.args.size(); ++i) data.args[i] = row.args[i];
    const Decision decision = Decide(syscalls, data);
    EXPECT_EQ(abi::ToString(decision.action, row.arch) + ": " + decision.reason, row.want)
        << row.sentence;
  }
}

// The expectations are written from policy.h and the kernel's sources, not from what is printed.
TEST(Decide, WalksTheRules) {
  const Arch x86 = Arch::kX86_64;
  RunRows(
      Make({x86}, Errno("EPERM"),
           {On("ioctl", Errno("EACCES"), "cmd == TIOCSTI"), On("ioctl", kAllow),
            On("setpriority", kAllow, "niceval >= -1 and niceval <= 1"),
            On("mknod", kAllow, "mode & S_IFMT in {S_IFREG, S_IFIFO}"),
            On("lseek", kAllow, "offset > -2 and not offset == 0"),
            On("clone", kAllow, "not clone_flags & CLONE_NEWUSER|CLONE_NEWNET")}),
      {
          {"first match", x86, 16, {1, 0x5412}, "EACCES: deny of test, p.toml:7:3"},
          {"high half ignored", x86, 16, {1, 0xf00005412}, "EACCES: deny of test, p.toml:7:3"},
          {"second rule", x86, 16, {1, 0x5413}, "allow: deny of test, p.toml:7:3"},
          {"signed, inside", x86, 141, {0, 0, 0xffffffff}, "allow: deny of test, p.toml:7:3"},
          {"signed, extended", x86, 141, {0, 0, ~0ull}, "allow: deny of test, p.toml:7:3"},
          {"signed, below", x86, 141, {0, 0, ~1ull}, "EPERM: default: no rule decides it"},
          {"signed, above", x86, 141, {0, 0, 2}, "EPERM: default: no rule decides it"},
          {"16 bits", x86, 133, {0, 0x11180}, "allow: deny of test, p.toml:7:3"},
          {"a device", x86, 133, {0, 0x2180}, "EPERM: default: no rule decides it"},
          {"64 bits signed", x86, 8, {0, ~0ull}, "allow: deny of test, p.toml:7:3"},
          {"... -2", x86, 8, {0, ~1ull}, "EPERM: default: no rule decides it"},
          {"... 0", x86, 8, {0, 0}, "EPERM: default: no rule decides it"},
          {"... low half 0", x86, 8, {0, 1ull << 32}, "allow: deny of test, p.toml:7:3"},
          {"no flag", x86, 56, {0x11}, "allow: deny of test, p.toml:7:3"},
          {"one of two flags", x86, 56, {0x40000000}, "EPERM: default: no rule decides it"},
          {"fallback",
           x86,
           435,
           {},
           "ENOSYS: default: no rule decides it, and libc falls back to an older call when "
           "clone3 answers ENOSYS"},
          {"unknown", x86, 400, {}, "ENOSYS: unknown: no table names number 400"},
          {"negative", x86, 0xffffffff, {}, "ENOSYS: unknown: no table names number 4294967295"},
          {"x32's bit",
           x86,
           0x40000000,
           {},
           "kill-process: foreign: x32 is not one of the policy's architectures"},
          {"x32's own",
           x86,
           520,
           {},
           "kill-process: foreign: x32 is not one of the policy's architectures"},
          {"i386",
           Arch::kI386,
           1,
           {},
           "kill-process: foreign: i386 is not one of the policy's architectures"},
      });
}

TEST(Decide, KnowsTheArchitectures) {
  RunRows(
      Make({Arch::kS390x}, kAllow, {On("clone", Errno("EPERM"), "clone_flags & CLONE_NEWUSER")}),
      {{"second on s390x", Arch::kS390x, 120, {0, 0x10000000}, "EPERM: deny of test, p.toml:7:3"},
       {"not first", Arch::kS390x, 120, {0x10000000, 0}, "allow: default: no rule decides it"}});
  RunRows(
      Make({Arch::kArm}, kAllow, {On("pread64", Errno("EPERM"), "pos == 0x100000002")}),
      {{"an aligned pair", Arch::kArm, 180, {0, 0, 0, 0, 2, 1}, "EPERM: deny of test, p.toml:7:3"},
       {"one register of it",
        Arch::kArm,
        180,
        {0, 0, 0, 0, 2, 0},
        "allow: default: no rule decides it"}});
  RunRows(Make({Arch::kX32}, kAllow, {On("ioctl", Errno("EPERM"))}),
          {{"by bit", Arch::kX32, 514 | abi::kX32Bit, {}, "EPERM: deny of test, p.toml:7:3"},
           {"without", Arch::kX32, 514, {}, "EPERM: deny of test, p.toml:7:3"},
           {"x86_64's ioctl",
            Arch::kX32,
            16,
            {},
            "kill-process: foreign: x86_64 is not one of the policy's architectures"},
           {"negative",
            Arch::kX32,
            0xffffffff,
            {},
            "ENOSYS: unknown: no table names number 4294967295"}});
}

TEST(Decide, FollowsMultiplexers) {
  const Arch i386 = Arch::kI386;
  RunRows(
      Make({i386}, kAllow,
           {On("socket", Errno("EPERM"), "family == 40"), On("bind", Errno("EACCES"))}),
      {{"closed",
        i386,
        102,
        {1},
        "EPERM: deny of test, p.toml:7:3; socketcall answers as socket does at its strictest, for "
        "its arguments are behind a pointer"},
       {"unconditional",
        i386,
        102,
        {2},
        "EACCES: deny of test, p.toml:7:3; socketcall answers as bind does"},
       {"default",
        i386,
        102,
        {3},
        "allow: default: no rule decides it; socketcall answers as connect does"},
       {"no such subcall",
        i386,
        102,
        {99},
        "ENOSYS: unknown: no table names subcall of socketcall 99"},
       {"ipc",
        i386,
        117,
        {0x20001},
        "allow: default: no rule decides it; ipc answers as semop does"}});
  RunRows(Make({i386}, Errno("EPERM"), {On("socket", kAllow, "family == 1")}),
          {{"a conditioned allow opens nothing",
            i386,
            102,
            {1},
            "EPERM: default: no rule decides it; socketcall answers as socket does at its "
            "strictest, for its arguments are behind a pointer"}});
}

TEST(Decide, KillsWhatHasNoMeaning) {
  const Decision decision =
      Decide(Make({Arch::kX86_64}, kAllow, {On("read", Errno("EPERM"), "not nothing == 1")}),
             {.nr = 0, .arch = abi::Info(Arch::kX86_64).token});
  EXPECT_EQ(decision.action, abi::Action::KillProcess());
  EXPECT_EQ(decision.reason, "deny of test, p.toml:7:3: its condition has no meaning on x86_64");
}

TEST(Check, SaysWhichCallDiffers) {
  const Syscalls wanted = Make({Arch::kX86_64}, kAllow, {On("ioctl", Errno("EPERM"), "cmd == 5")});
  const Syscalls other = Make({Arch::kX86_64}, kAllow, {On("ioctl", Errno("EPERM"), "cmd == 4")});
  const auto program = compile::Compile(other);
  ASSERT_TRUE(program);
  const auto same = Check(wanted, *program);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, base::ErrorCode::kViolation);
  EXPECT_EQ(same.error().text,
            "compare filter with policy: for x86_64: ioctl (16)(0x0, 0x4, 0x0, 0x0, 0x0, 0x0), "
            "token 0xc000003e, the filter answers EPERM and the policy says allow (default: no "
            "rule decides it)");
}

// Every changed constant, load or action of a filter is a difference that Check must see.
TEST(Check, SeesMutations) {
  const Syscalls syscalls =
      Make({Arch::kX86_64, Arch::kI386}, kAllow,
           {On("ioctl", Errno("EPERM"), "cmd in {TIOCSTI, TIOCLINUX}"),
            On("clone", Errno("EPERM"), "clone_flags & CLONE_NEWUSER"),
            On("setpriority", Errno("EACCES"), "niceval < -5"), On("chroot", Errno("EPERM"))});
  const auto program = compile::Compile(syscalls);
  ASSERT_TRUE(program);
  ASSERT_TRUE(Check(syscalls, *program)) << Check(syscalls, *program).error().text;
  const auto is_seen = [&](std::size_t pc, const bpf::Instruction& instruction) {
    std::vector<bpf::Instruction> changed(program->Instructions().begin(),
                                          program->Instructions().end());
    changed[pc] = instruction;
    const auto mutant = bpf::Validate(changed);
    EXPECT_TRUE(mutant);
    return !Check(syscalls, *mutant);
  };
  for (std::size_t pc = 0; pc < program->Size(); ++pc) {
    SCOPED_TRACE(fmt::format("instruction {} of\n{}", pc, bpf::Disassemble(*program)));
    const bpf::Instruction original = program->Instructions()[pc];
    bpf::Instruction changed = original;
    switch (original.code) {
      case bpf::kLoadAbs:
        changed.k = (original.k + 4) % bpf::kDataSize;
        EXPECT_TRUE(is_seen(pc, changed));
        break;
      case bpf::kReturn:
        changed.k = original.k == 0x7fff0000 ? 0x7ffc0000 : 0x7fff0000;
        EXPECT_TRUE(is_seen(pc, changed));
        break;
      case bpf::kJge: {
        // A cut beside a number that a chain takes out on its own may lie on either side of it.
        changed.k = original.k + 1;
        const bool is_one_seen = is_seen(pc, changed);
        EXPECT_TRUE(is_one_seen || original.k < 0x40000000);
        changed.k = original.k + 64;
        EXPECT_TRUE(is_one_seen || is_seen(pc, changed));
        break;
      }
      default:
        changed.k = original.k + 1;
        EXPECT_TRUE(is_seen(pc, changed));
    }
  }
}

}  // namespace
}  // namespace bailey::prove
