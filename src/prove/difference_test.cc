// Differences are complete (no difference of two filters is missed) and true (each call listed
// really is answered differently); conditions are written back exactly.
#include "prove/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "abi/action.h"
#include "bpf/interpreter.h"
#include "bpf/random_program.h"
#include "compile/compile.h"
#include "policy/load.h"
#include "prove/condition_diagram.h"
#include "prove/condition_text.h"
#include "prove/random_policy.h"
#include "verify/meaning.h"

namespace bailey::prove {
namespace {

using abi::Arch;

bpf::Program Compiled(const policy::Syscalls& syscalls) {
  auto program = compile::Compile(syscalls);
  if (!program) throw std::runtime_error(program.error().text);
  return *std::move(program);
}

std::vector<Change> Changes(const bpf::Program& before, const bpf::Program& after) {
  verify::Diagram diagram;
  const auto changes = ListChanges(diagram, verify::MeaningOf(diagram, before, false),
                                   verify::MeaningOf(diagram, after, false));
  if (!changes) throw std::runtime_error("undecided");
  return *changes;
}

TEST(Difference, IsWrittenAsAPersonWould) {
  policy::Syscalls before;
  before.default_action = {abi::ActionKind::kAllow, "", 0};
  before.architectures = {Arch::kX86_64};
  policy::Syscalls after = before;
  policy::Rule rule;
  rule.syscall = "ioctl";
  rule.condition = *policy::ParseCondition("cmd in {TIOCSTI, TIOCLINUX}");
  rule.answer = {abi::ActionKind::kErrno, "EPERM", 0};
  after.rules.push_back(rule);
  rule.syscall = "clone";
  rule.condition = *policy::ParseCondition("flags & CLONE_NEWUSER");
  after.rules.push_back(rule);
  const auto changes = Changes(Compiled(before), Compiled(after));
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].what, "ioctl");
  EXPECT_EQ(changes[0].when, "cmd in {TIOCSTI, TIOCLINUX}");
  EXPECT_EQ(changes[0].kind, ChangeKind::kNewlyDenied);
  EXPECT_EQ(changes[1].what, "clone");
  EXPECT_EQ(changes[1].when, "clone_flags & CLONE_NEWUSER");
  EXPECT_TRUE(Changes(Compiled(before), Compiled(before)).empty());
  EXPECT_EQ(Changes(Compiled(after), Compiled(before))[0].kind, ChangeKind::kNewlyAllowed);
}

// Each instruction of presets changed in every way that a mistake would; an interpreter that finds
// a difference on calls near the filter's constants is the oracle.
TEST(Difference, MissesNoMutant) {
  std::size_t mutants = 0, differ = 0, seen_by_oracle = 0;
  bpf::RandomPrograms random(42);
  for (const std::string_view name : {"flatpak", "agent"}) {
    const auto policy = policy::Load(name, {"/home/someone", "/proj", Arch::kX86_64});
    ASSERT_TRUE(policy);
    const bpf::Program program = Compiled(policy->syscalls);
    for (std::size_t pc = 0; pc < program.Size(); ++pc) {
      for (unsigned way = 0; way < 7; ++way) {
        std::vector<bpf::Instruction> changed(program.Instructions().begin(),
                                              program.Instructions().end());
        bpf::Instruction& one = changed[pc];
        if (way == 0) one.k += 1;
        if (way == 1) one.k -= 1;
        if (way == 2) one.k ^= 1u << (pc % 32);
        if (way == 3) one.jt = static_cast<std::uint8_t>(one.jt + 1);
        if (way == 4) one.jf = static_cast<std::uint8_t>(one.jf + 1);
        if (way == 5) std::swap(one.jt, one.jf);
        if (way == 6 && bpf::IsConditionalJump(one.code)) one.code ^= 0x10;
        const auto mutant = bpf::Validate(std::move(changed));
        if (!mutant || *mutant == program) continue;
        ++mutants;
        verify::Diagram diagram;
        const verify::Ref meaning = verify::MeaningOf(diagram, program, false);
        const verify::Ref other = verify::MeaningOf(diagram, *mutant, false);
        ASSERT_NE(other, verify::Diagram::kLost);
        bool oracle = false;
        for (int i = 0; i < 40 && !oracle; ++i) {
          auto data = random.DataFor(program, false);
          // Mostly calls that lead to the changed instruction.
          data.arch = abi::Info(random.OneIn(2) ? Arch::kX86_64 : Arch::kI386).token;
          const std::uint32_t k = program.Instructions()[pc].k;
          data.nr = k < 1000 && !random.OneIn(3) ? k + random.Below(3) - 1 : random.Below(480);
          oracle = abi::Decode(bpf::Interpret(program, data, false).value) !=
                   abi::Decode(bpf::Interpret(*mutant, data, false).value);
        }
        seen_by_oracle += oracle;
        ASSERT_TRUE(!oracle || other != meaning) << name << " pc " << pc << " way " << way;
        if (other == meaning) continue;
        ++differ;
        if (pc % 16 != 0) continue;  // listing all of them takes its time
        const auto changes = ListChanges(diagram, meaning, other);
        ASSERT_TRUE(changes && !changes->empty());
        for (const Change& change : *changes) {
          EXPECT_NE(abi::Decode(bpf::Interpret(program, change.witness, false).value),
                    abi::Decode(bpf::Interpret(*mutant, change.witness, false).value));
        }
      }
    }
  }
  std::cout << mutants << " mutants, " << differ << " of them differ, " << seen_by_oracle
            << " by the interpreter's calls too; none missed\n";
  EXPECT_GT(differ, 1000u);
}

TEST(ConditionText, IsThePredicateAgain) {
  std::mt19937_64 random(7);
  std::size_t written = 0;
  for (int i = 0; i < 300; ++i) {
    const policy::Syscalls syscalls = RandomSyscalls(random, {Arch::kX86_64});
    for (const policy::Rule& rule : syscalls.rules) {
      if (!rule.condition) continue;
      verify::Diagram diagram;
      const auto predicate =
          ConditionDiagram(diagram, *rule.condition, Arch::kX86_64, rule.syscall);
      if (!predicate || verify::Diagram::IsTerminal(*predicate)) continue;
      const auto condition = ConditionOf(diagram, *predicate, Arch::kX86_64, rule.syscall);
      if (!condition) continue;
      ++written;
      const auto parsed = policy::ParseCondition(policy::ToString(*condition));
      ASSERT_TRUE(parsed) << policy::ToString(*condition);
      EXPECT_EQ(ConditionDiagram(diagram, *parsed, Arch::kX86_64, rule.syscall), *predicate)
          << policy::ToString(*rule.condition) << "\n"
          << policy::ToString(*condition);
    }
  }
  EXPECT_GT(written, 500u);
}

}  // namespace
}  // namespace bailey::prove
