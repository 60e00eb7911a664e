// An engine of another kind on the same questions: do two filters ever answer differently? Z3
// (bit vectors) and the diagrams must agree, and a difference that either finds must be one to the
// interpreter. How many pairs are asked is BAILEY_Z3_PAIRS, 200 by default.
#include <gtest/gtest.h>
#include <z3++.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "bpf/random_program.h"
#include "verify/in_z3.h"
#include "verify/meaning.h"
#include "verify/query.h"

namespace bailey::verify {
namespace {

using bpf::Instruction;
using bpf::Program;

struct Reply {
  Answer differ = Answer::kUndecided;
  bpf::SeccompData data;
};

Reply AskZ3(const Program& one, const Program& other, bool big_endian) {
  z3::context context;
  InZ3 encoder(context);
  z3::solver solver(context, "QF_BV");
  z3::params params(context);
  params.set("timeout", 1000u);
  solver.set(params);
  solver.add(encoder.Effect(encoder.Returns(one)) != encoder.Effect(encoder.Returns(other)));
  const z3::check_result result = solver.check();
  if (result == z3::unknown) return {};
  Reply reply = {result == z3::sat ? Answer::kYes : Answer::kNo, {}};
  for (std::uint32_t i = 0; i < bpf::kDataWords && result == z3::sat; ++i) {
    const z3::expr value = solver.get_model().eval(encoder.Word(i), true);
    bpf::SetWord(reply.data, 4 * i, static_cast<std::uint32_t>(value.get_numeral_uint64()),
                 big_endian);
  }
  return reply;
}

Reply AskDiagram(const Program& one, const Program& other, bool big_endian) {
  Diagram diagram(ChooseOrder(std::array{one, other}), {.nodes = 60'000, .steps = 300'000});
  const Witness witness = FindWitness(
      diagram,
      diagram.Differ(MeaningOf(diagram, one, big_endian), MeaningOf(diagram, other, big_endian)));
  return {witness.found, witness.data};
}

Outcome Effect(const Program& program, const bpf::SeccompData& data, bool big_endian) {
  return EffectOf(OutcomeOf(bpf::Interpret(program, data, big_endian).value));
}

void Change(bpf::RandomPrograms& random, Instruction& victim) {
  switch (random.Below(4)) {
    case 0:
      victim.k ^= 1u << random.Below(32);
      break;
    case 1:
      victim.k += random.OneIn(2) ? 1 : 0xffffffff;
      break;
    case 2:
      std::swap(victim.jt, victim.jf);
      break;
    default:
      if (bpf::IsBinaryAlu(victim.code)) victim.code ^= 0x10;
      break;
  }
}

// A program that differs in a few instructions; often it is the same function.
std::optional<Program> Neighbour(bpf::RandomPrograms& random, const Program& program) {
  std::vector<Instruction> changed(program.Instructions().begin(), program.Instructions().end());
  for (std::uint32_t changes = 1 + random.Below(4); changes > 0; --changes) {
    Change(random, changed[random.Below(static_cast<std::uint32_t>(changed.size()))]);
  }
  auto neighbour = bpf::Validate(std::move(changed));
  if (!neighbour) return std::nullopt;
  return *std::move(neighbour);
}

TEST(Z3, AgreesWithDiagrams) {
  const char* pairs = std::getenv("BAILEY_Z3_PAIRS");
  const int wanted = pairs == nullptr ? 200 : std::atoi(pairs);
  constexpr std::uint64_t kSeed = 61;
  bpf::RandomPrograms random(kSeed);
  int equal = 0;
  int different = 0;
  int undecided_here = 0;
  int undecided_there = 0;
  for (int round = 0; equal + different < wanted; ++round) {
    bpf::RandomPrograms::Shape shape = {.size = 2 + random.Below(14)};
    shape.hard = random.OneIn(2);
    shape.return_a = random.OneIn(4);
    const Program one = random.Accepted(shape);
    const auto other = Neighbour(random, one);
    if (!other) continue;
    const bool big_endian = random.OneIn(2);
    const Reply here = AskDiagram(one, *other, big_endian);
    if (here.differ == Answer::kUndecided) {
      ++undecided_here;
      continue;
    }
    if (here.differ == Answer::kYes) {
      ASSERT_NE(Effect(one, here.data, big_endian), Effect(*other, here.data, big_endian))
          << "seed " << kSeed << ", round " << round;
    }
    const Reply there = AskZ3(one, *other, big_endian);
    if (there.differ == Answer::kUndecided) {
      ++undecided_there;
      continue;
    }
    ASSERT_EQ(here.differ, there.differ) << "seed " << kSeed << ", round " << round << "\n"
                                         << bpf::Disassemble(one) << "\n"
                                         << bpf::Disassemble(*other);
    if (there.differ == Answer::kYes) {
      ASSERT_NE(Effect(one, there.data, big_endian), Effect(*other, there.data, big_endian))
          << "seed " << kSeed << ", round " << round;
    }
    ++(there.differ == Answer::kYes ? different : equal);
  }
  std::printf("%d equal, %d different; undecided by diagrams %d, by Z3 %d\n", equal, different,
              undecided_here, undecided_there);
  EXPECT_GT(equal, wanted / 10);
  EXPECT_GT(different, wanted / 10);
  EXPECT_LT(undecided_here, wanted / 5);
}

}  // namespace
}  // namespace bailey::verify
