#include "verify/meaning.h"

#include <gtest/gtest.h>

#include <ctime>
#include <functional>

#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "bpf/random_program.h"
#include "verify/predicate.h"
#include "verify/query.h"

namespace bailey::verify {
namespace {

using bpf::Instruction;
using bpf::Program;

Program Make(std::vector<Instruction> instructions) {
  auto program = bpf::Validate(std::move(instructions));
  EXPECT_TRUE(program) << program.error().text;
  return *std::move(program);
}

constexpr Instruction kAllow = {bpf::kReturn, 0, 0, 0x7fff0000};
constexpr Instruction kDeny = {bpf::kReturn, 0, 0, 0x00050001};

bpf::RandomPrograms::Shape RandomShape(bpf::RandomPrograms& random) {
  bpf::RandomPrograms::Shape shape = {.size = 1 + random.Below(40)};
  shape.alu = !random.OneIn(3);
  shape.memory = !random.OneIn(3);
  shape.hard = random.OneIn(2);
  shape.return_a = random.OneIn(3);
  return shape;
}

// The engine against the interpreter: programs of every kind of instruction, both byte orders.
TEST(ReturnsOf, AgreesWithTheInterpreter) {
  constexpr std::uint64_t kSeed = 41;
  constexpr int kPrograms = 1000;
  bpf::RandomPrograms random(kSeed);
  int lost = 0;
  for (int round = 0; round < kPrograms; ++round) {
    const Program program = random.Accepted(RandomShape(random));
    const bool big_endian = random.OneIn(2);
    // Small limits: a lost program is no use here.
    Diagram diagram(ChooseOrder({&program, 1}), {.nodes = 30'000, .steps = 100'000});
    const Ref returns = ReturnsOf(diagram, program, big_endian);
    if (returns == Diagram::kLost) {
      ++lost;
      continue;
    }
    for (int point = 0; point < 60; ++point) {
      const bpf::SeccompData data = random.DataFor(program, big_endian);
      const std::uint32_t want = bpf::Interpret(program, data, big_endian).value;
      const auto got = OutcomeFor(diagram, returns, data);
      ASSERT_TRUE(got);
      ASSERT_EQ(*got, OutcomeOf(want)) << "seed " << kSeed << ", round " << round << "\n"
                                       << bpf::Disassemble(program);
    }
  }
  RecordProperty("lost", lost);
  EXPECT_LT(lost, kPrograms / 10);
}

TEST(MeaningOf, AgreesWithTheInterpreterOnStacks) {
  constexpr std::uint64_t kSeed = 42;
  bpf::RandomPrograms random(kSeed);
  for (int round = 0; round < 300; ++round) {
    std::vector<Program> stack;
    for (std::uint32_t count = random.Below(4); count > 0; --count) {
      auto shape = RandomShape(random);
      shape.hard = false;
      stack.push_back(random.Accepted(shape));
    }
    const bool big_endian = random.OneIn(2);
    Diagram diagram(ChooseOrder(stack), {.nodes = 30'000, .steps = 200'000});
    const Ref meaning = MeaningOf(diagram, stack, big_endian);
    if (meaning == Diagram::kLost) continue;
    for (int point = 0; point < 60; ++point) {
      const bpf::SeccompData data =
          stack.empty()
              ? random.Data()
              : random.DataFor(stack[random.Below(static_cast<std::uint32_t>(stack.size()))],
                               big_endian);
      const std::uint32_t want = bpf::InterpretStack(stack, data, big_endian);
      const auto got = OutcomeFor(diagram, meaning, data);
      ASSERT_TRUE(got);
      ASSERT_EQ(*got, EffectOf(OutcomeOf(want))) << "seed " << kSeed << ", round " << round;
    }
  }
}

// Ways of writing the same program again.
std::vector<Instruction> Rewrite(bpf::RandomPrograms& random, std::vector<Instruction> program) {
  std::vector<Instruction> result;
  std::vector<std::size_t> place;  // of each old instruction in the new program
  std::vector<std::size_t> from;   // the old jump behind each new instruction, or none
  constexpr std::size_t kNone = ~std::size_t{0};
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    place.push_back(result.size());
    if (random.OneIn(5)) {
      result.push_back({bpf::kJump, 0, 0, 0});
      from.push_back(kNone);
    }
    Instruction instruction = program[pc];
    if (instruction.code == bpf::kJgt && instruction.k != 0xffffffff && random.OneIn(2)) {
      instruction.code = bpf::kJge;
      ++instruction.k;
    } else if (instruction.code == bpf::kSub && random.OneIn(2)) {
      instruction = {bpf::kAdd, 0, 0, 0 - instruction.k};
    } else if (instruction.code == bpf::kLsh && instruction.k > 0 && random.OneIn(2)) {
      result.push_back({bpf::kLsh, 0, 0, 1});
      from.push_back(kNone);
      --instruction.k;
    } else if (instruction.code == bpf::kDiv && instruction.k == 16) {
      instruction = {bpf::kRsh, 0, 0, 4};
    }
    result.push_back(instruction);
    from.push_back(pc);
  }
  for (std::size_t at = 0; at < result.size(); ++at) {
    if (from[at] == kNone) continue;
    const std::size_t pc = from[at];
    Instruction& instruction = result[at];
    const auto skip = [&](std::size_t old) {
      return static_cast<std::uint32_t>(place[pc + 1 + old] - at - 1);
    };
    if (instruction.code == bpf::kJump) {
      instruction.k = skip(program[pc].k);
    } else if (bpf::IsConditionalJump(instruction.code)) {
      instruction.jt = static_cast<std::uint8_t>(skip(program[pc].jt));
      instruction.jf = static_cast<std::uint8_t>(skip(program[pc].jf));
    }
  }
  return result;
}

TEST(ReturnsOf, IsTheSameForTheSameFunction) {
  constexpr std::uint64_t kSeed = 43;
  bpf::RandomPrograms random(kSeed);
  int compared = 0;
  for (int round = 0; round < 700; ++round) {
    const Program program = random.Accepted(RandomShape(random));
    const auto rewritten = bpf::Validate(
        Rewrite(random, {program.Instructions().begin(), program.Instructions().end()}));
    if (!rewritten) continue;  // a load after a return, judged by what now stands before it
    Diagram diagram(ChooseOrder({&program, 1}), {.nodes = 30'000, .steps = 100'000});
    const Ref one = ReturnsOf(diagram, program, false);
    const Ref other = ReturnsOf(diagram, *rewritten, false);
    if (one == Diagram::kLost || other == Diagram::kLost) continue;
    ASSERT_EQ(one, other) << "seed " << kSeed << ", round " << round << "\n"
                          << bpf::Disassemble(program) << "\n"
                          << bpf::Disassemble(*rewritten);
    ++compared;
  }
  EXPECT_GT(compared, 450);
}

// Two programs that differ in one instruction: where the diagrams differ so do the answers, and
// where they do not, no call tells the programs apart.
TEST(Differ, HasWitnessesThatReallyDiffer) {
  constexpr std::uint64_t kSeed = 44;
  bpf::RandomPrograms random(kSeed);
  int different = 0;
  for (int round = 0; round < 1500; ++round) {
    auto shape = RandomShape(random);
    shape.size = 1 + random.Below(8);
    const Program program = random.Accepted(shape);
    std::vector<Instruction> changed(program.Instructions().begin(), program.Instructions().end());
    Instruction& victim = changed[random.Below(static_cast<std::uint32_t>(changed.size()))];
    victim.k ^= 1u << random.Below(32);
    const auto mutant = bpf::Validate(changed);
    if (!mutant) continue;
    Diagram diagram(ChooseOrder({&program, 1}), {.nodes = 30'000, .steps = 100'000});
    const Ref one = MeaningOf(diagram, program, false);
    const Ref other = MeaningOf(diagram, *mutant, false);
    const Witness witness = FindWitness(diagram, diagram.Differ(one, other));
    if (witness.found == Answer::kUndecided) continue;
    const auto effect = [](const Program& subject, const bpf::SeccompData& data) {
      return EffectOf(OutcomeOf(bpf::Interpret(subject, data, false).value));
    };
    if (witness.found == Answer::kYes) {
      ++different;
      ASSERT_NE(effect(program, witness.data), effect(*mutant, witness.data))
          << "seed " << kSeed << ", round " << round;
    }
    for (int point = 0; point < 30 && witness.found == Answer::kNo; ++point) {
      const bpf::SeccompData data = random.DataFor(program, false);
      ASSERT_EQ(effect(program, data), effect(*mutant, data))
          << "seed " << kSeed << ", round " << round;
    }
  }
  EXPECT_GT(different, 200);
}

// --- hard cases: exact, or undecided, within a second

// Of this process alone: the machine may be busy.
double Seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// A thousand tests, each of which can be passed two ways.
TEST(Hard, CountsNoPaths) {
  std::vector<Instruction> program;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    program.push_back({bpf::kLoadAbs, 0, 0, 16 + 4 * (i % 12)});
    program.push_back({bpf::kJset, 0, 1, 1u << (i % 31)});
    program.push_back({bpf::kJump, 0, 0, 0});
  }
  program.push_back({bpf::kLoadAbs, 0, 0, 0});
  program.push_back({bpf::kJeq, 0, 1, 39});
  program.push_back(kAllow);
  program.push_back(kDeny);
  Diagram diagram;
  EXPECT_LT(Seconds([&] {
              EXPECT_EQ(MeaningOf(diagram, Make(program), false),
                        diagram.Ite(Equals(diagram, Word::kNr, 39),
                                    Diagram::Terminal(OutcomeOf(kAllow.k)),
                                    Diagram::Terminal(OutcomeOf(kDeny.k))));
            }),
            1.0);
}

// Ways that do not forget: thirty-two tests, each leaving its bit in a memory word, so that 2^32
// states reach the end.
TEST(Hard, JoinsWaysThatDisagree) {
  std::vector<Instruction> program = {{bpf::kLoadImm, 0, 0, 0}, {bpf::kStore, 0, 0, 0}};
  for (std::uint32_t i = 0; i < 32; ++i) {
    program.insert(program.end(), {{bpf::kLoadAbs, 0, 0, 16},
                                   {bpf::kJset, 0, 3, 1u << i},
                                   {bpf::kLoadMem, 0, 0, 0},
                                   {bpf::kOr, 0, 0, 0x80000000u >> i},
                                   {bpf::kStore, 0, 0, 0}});
  }
  // M[0] is now the first argument's low half, mirrored.
  program.insert(program.end(),
                 {{bpf::kLoadMem, 0, 0, 0}, {bpf::kJeq, 0, 1, 0x80000001}, kAllow, kDeny});
  Diagram diagram;
  EXPECT_LT(Seconds([&] {
              EXPECT_EQ(MeaningOf(diagram, Make(program), false),
                        diagram.Ite(Equals(diagram, ArgLow(0), 0x80000001),
                                    Diagram::Terminal(OutcomeOf(kAllow.k)),
                                    Diagram::Terminal(OutcomeOf(kDeny.k))));
            }),
            1.0);
}

// As long as a filter may be, each instruction a test of another number.
TEST(Hard, ReadsTheLongestChain) {
  std::vector<Instruction> program = {{bpf::kLoadAbs, 0, 0, 0}};
  while (program.size() < bpf::kMaxInstructions - 2) {
    program.push_back({bpf::kJeq, 0, 1, static_cast<std::uint32_t>(program.size()) * 40503u});
    program.push_back(program.size() % 3 == 0 ? kDeny : kAllow);
  }
  program.push_back(kDeny);
  const Program chain = Make(program);
  Diagram diagram;
  Ref meaning = Diagram::kLost;
  EXPECT_LT(Seconds([&] { meaning = MeaningOf(diagram, chain, false); }), 1.0);
  ASSERT_NE(meaning, Diagram::kLost);
  for (const Instruction& instruction : chain.Instructions()) {
    const bpf::SeccompData data = {.nr = instruction.k};
    EXPECT_EQ(OutcomeFor(diagram, meaning, data),
              OutcomeOf(bpf::Interpret(chain, data, false).value));
  }
}

TEST(Hard, ComparesWordsWithWords) {
  // Signed comparison of the third argument with zero, as a sign extension test:
  // high == (low >> 31) * 0xffffffff.
  const Program program = Make({{bpf::kLoadAbs, 0, 0, 32},
                                {bpf::kRsh, 0, 0, 31},
                                {bpf::kMul, 0, 0, 0xffffffff},
                                {bpf::kTax, 0, 0, 0},
                                {bpf::kLoadAbs, 0, 0, 36},
                                {bpf::kJeq | bpf::kX, 0, 1, 0},
                                kAllow,
                                kDeny});
  Diagram diagram(ChooseOrder({&program, 1}));
  const Ref meaning = MeaningOf(diagram, program, false);
  const Ref is_negative = Compare(diagram, LowHalf(2), Relation::kAnyBit, 0x80000000);
  const Ref is_extended = diagram.Ite(is_negative, Equals(diagram, ArgHigh(2), 0xffffffff),
                                      Equals(diagram, ArgHigh(2), 0));
  EXPECT_EQ(meaning, diagram.Ite(is_extended, Diagram::Terminal(OutcomeOf(kAllow.k)),
                                 Diagram::Terminal(OutcomeOf(kDeny.k))));
}

// What is too much is undecided, and soon.
TEST(Hard, GivesUpInTime) {
  std::vector<Instruction> program = {
      {bpf::kLoadAbs, 0, 0, 16}, {bpf::kTax, 0, 0, 0}, {bpf::kLoadAbs, 0, 0, 24}};
  while (program.size() < bpf::kMaxInstructions - 2) {
    program.push_back({bpf::kMul | bpf::kX, 0, 0, 0});
    program.push_back({bpf::kXor, 0, 0, 0x9e3779b9});
  }
  program.push_back({bpf::kReturnA, 0, 0, 0});
  const Program hard = Make(program);
  Diagram diagram(ChooseOrder({&hard, 1}));
  Ref meaning = Diagram::kFalse;
  EXPECT_LT(Seconds([&] { meaning = MeaningOf(diagram, hard, false); }), 1.0);
  EXPECT_EQ(meaning, Diagram::kLost);
  EXPECT_TRUE(diagram.IsExhausted());
}

}  // namespace
}  // namespace bailey::verify
