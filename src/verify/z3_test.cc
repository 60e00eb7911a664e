// An engine of another kind on the same questions: do two filters ever answer differently? Z3
// (bit vectors) and the diagrams must agree, and a difference that either finds must be one to the
// interpreter. How many pairs are asked is BAILEY_Z3_PAIRS, 200 by default.
#include <gtest/gtest.h>
#include <z3++.h>

#include <array>
#include <cstdlib>

#include "bpf/disassembler.h"
#include "bpf/interpreter.h"
#include "bpf/random_program.h"
#include "verify/meaning.h"
#include "verify/query.h"

namespace bailey::verify {
namespace {

using bpf::Instruction;
using bpf::Program;

// A program as one term over sixteen words: a pass in program order that merges the states of all
// ways to an instruction.
class Encoder {
 public:
  Encoder(z3::context& context, const std::vector<z3::expr>& words)
      : context_(context), words_(words), zero_(context.bv_val(0u, 32)) {}

  z3::expr Encode(const Program& program) {
    const auto instructions = program.Instructions();
    std::vector<std::optional<State>> states(instructions.size());
    states[0] = State{context_.bool_val(true), std::vector<z3::expr>(18, zero_)};
    z3::expr result = zero_;
    for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
      if (!states[pc]) continue;
      State state = *states[pc];
      const auto [code, jt, jf, k] = instructions[pc];
      if (bpf::IsReturn(code)) {
        const z3::expr value = code == bpf::kReturn ? Number(k) : state.slots[0];
        result = z3::ite(state.reached, value, result);
      } else if (code == bpf::kJump) {
        Merge(states[pc + 1 + k], state);
      } else if (bpf::IsConditionalJump(code)) {
        const z3::expr test = Test(instructions[pc], state);
        State failed = state;
        state.reached = (state.reached && test).simplify();
        failed.reached = (failed.reached && !test).simplify();
        Merge(states[pc + 1 + jt], state);
        Merge(states[pc + 1 + jf], failed);
      } else {
        if (code == (bpf::kDiv | bpf::kX)) state.reached = state.reached && state.slots[1] != zero_;
        Step(instructions[pc], state);
        Merge(states[pc + 1], state);
      }
    }
    return Effect(result);
  }

 private:
  struct State {
    z3::expr reached;
    std::vector<z3::expr> slots;  // A, X, memory
  };

  z3::expr Number(std::uint32_t value) { return context_.bv_val(value, 32); }

  static void Merge(std::optional<State>& into, const State& from) {
    if (!into) {
      into = from;
      return;
    }
    for (std::size_t i = 0; i < from.slots.size(); ++i) {
      if (!z3::eq(into->slots[i], from.slots[i])) {
        into->slots[i] = z3::ite(from.reached, from.slots[i], into->slots[i]);
      }
    }
    into->reached = into->reached || from.reached;
  }

  z3::expr Operand(const Instruction& instruction, const State& state) {
    return (instruction.code & bpf::kX) != 0 ? state.slots[1] : Number(instruction.k);
  }

  z3::expr Test(const Instruction& instruction, const State& state) {
    const z3::expr& a = state.slots[0];
    const z3::expr operand = Operand(instruction, state);
    switch (instruction.code & ~bpf::kX) {
      case bpf::kJeq:
        return a == operand;
      case bpf::kJgt:
        return z3::ugt(a, operand);
      case bpf::kJge:
        return z3::uge(a, operand);
      default:
        return (a & operand) != zero_;
    }
  }

  z3::expr Compute(const Instruction& instruction, const State& state) {
    const z3::expr& a = state.slots[0];
    const z3::expr operand = Operand(instruction, state);
    switch (instruction.code & ~bpf::kX) {
      case bpf::kAdd:
        return a + operand;
      case bpf::kSub:
        return a - operand;
      case bpf::kMul:
        return a * operand;
      case bpf::kDiv:
        return z3::udiv(a, operand);
      case bpf::kOr:
        return a | operand;
      case bpf::kAnd:
        return a & operand;
      case bpf::kLsh:
        return z3::shl(a, operand & Number(31));
      case bpf::kRsh:
        return z3::lshr(a, operand & Number(31));
      default:
        return a ^ operand;
    }
  }

  void Step(const Instruction& instruction, State& state) {
    auto& slots = state.slots;
    const std::uint32_t k = instruction.k;
    switch (instruction.code) {
      case bpf::kLoadAbs:
        slots[0] = words_[k / 4];
        break;
      case bpf::kLoadLen:
        slots[0] = Number(64);
        break;
      case bpf::kLoadImm:
        slots[0] = Number(k);
        break;
      case bpf::kLoadMem:
        slots[0] = slots[2 + k];
        break;
      case bpf::kLoadXLen:
        slots[1] = Number(64);
        break;
      case bpf::kLoadXImm:
        slots[1] = Number(k);
        break;
      case bpf::kLoadXMem:
        slots[1] = slots[2 + k];
        break;
      case bpf::kStore:
        slots[2 + k] = slots[0];
        break;
      case bpf::kStoreX:
        slots[2 + k] = slots[1];
        break;
      case bpf::kTax:
        slots[1] = slots[0];
        break;
      case bpf::kTxa:
        slots[0] = slots[1];
        break;
      case bpf::kNeg:
        slots[0] = -slots[0];
        break;
      default:
        slots[0] = Compute(instruction, state);
        break;
    }
  }

  // What the kernel does with a value: see abi::Decode.
  z3::expr Effect(const z3::expr& value) {
    const z3::expr action = value & Number(0xffff0000);
    const z3::expr data = value & Number(0xffff);
    z3::expr effect = Number(0x80000000);
    for (const std::uint32_t plain : {0u, 0x7fc00000u, 0x7ffc0000u, 0x7fff0000u}) {
      effect = z3::ite(action == Number(plain), Number(plain), effect);
    }
    for (const std::uint32_t with_data : {0x00030000u, 0x7ff00000u}) {
      effect = z3::ite(action == Number(with_data), value, effect);
    }
    const z3::expr errno_data = z3::ite(z3::ugt(data, Number(4095)), Number(4095), data);
    return z3::ite(action == Number(0x00050000), Number(0x00050000) | errno_data, effect);
  }

  z3::context& context_;
  const std::vector<z3::expr>& words_;
  z3::expr zero_;
};

struct Reply {
  Answer differ = Answer::kUndecided;
  bpf::SeccompData data;
};

Reply AskZ3(const Program& one, const Program& other, bool big_endian) {
  z3::context context;
  std::vector<z3::expr> words;
  for (unsigned i = 0; i < bpf::kDataWords; ++i) {
    words.push_back(context.bv_const(("w" + std::to_string(i)).c_str(), 32));
  }
  Encoder encoder(context, words);
  z3::solver solver(context, "QF_BV");
  z3::params params(context);
  params.set("timeout", 1000u);
  solver.set(params);
  solver.add(encoder.Encode(one) != encoder.Encode(other));
  const z3::check_result result = solver.check();
  if (result == z3::unknown) return {};
  Reply reply = {result == z3::sat ? Answer::kYes : Answer::kNo, {}};
  for (std::uint32_t i = 0; i < bpf::kDataWords && result == z3::sat; ++i) {
    const z3::expr value = solver.get_model().eval(words[i], true);
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
