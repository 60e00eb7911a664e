#include "verify/operands.h"

#include <algorithm>
#include <optional>

namespace bailey::verify {
namespace {

using bpf::Instruction;

// --- which registers and memory words are still needed

using Slots = std::uint32_t;  // a set: A, X, M[0], M[1], ...
constexpr unsigned kA = 0;
constexpr unsigned kX = 1;
constexpr unsigned kMemory = 2;
constexpr unsigned kSlots = kMemory + bpf::kMemoryWords;

constexpr Slots Only(unsigned slot) { return Slots{1} << slot; }

// The slots needed before a non-jump, given those needed after it.
Slots NeededBefore(const Instruction& instruction, Slots after) {
  const auto [code, jt, jf, k] = instruction;
  const auto replaced = [&](unsigned slot, Slots uses) {
    return (after & Only(slot)) != 0 ? (after & ~Only(slot)) | uses : after;
  };
  switch (code) {
    case bpf::kLoadAbs:
    case bpf::kLoadLen:
    case bpf::kLoadImm:
      return replaced(kA, 0);
    case bpf::kLoadMem:
      return replaced(kA, Only(kMemory + k));
    case bpf::kLoadXLen:
    case bpf::kLoadXImm:
      return replaced(kX, 0);
    case bpf::kLoadXMem:
      return replaced(kX, Only(kMemory + k));
    case bpf::kStore:
      return replaced(kMemory + k, Only(kA));
    case bpf::kStoreX:
      return replaced(kMemory + k, Only(kX));
    case bpf::kTax:
      return replaced(kX, Only(kA));
    case bpf::kTxa:
      return replaced(kA, Only(kX));
    case bpf::kReturn:
      return 0;
    case bpf::kReturnA:
      return Only(kA);
    case bpf::kDiv | bpf::kX:
      // X decides whether the filter ends here, whatever becomes of the quotient.
      return replaced(kA, Only(kA)) | Only(kX);
    default:
      return replaced(kA, (code & bpf::kX) != 0 ? Only(kA) | Only(kX) : Only(kA));
  }
}

std::vector<Slots> FindNeeded(std::span<const Instruction> instructions) {
  std::vector<Slots> needed(instructions.size());
  for (std::size_t pc = instructions.size(); pc-- > 0;) {
    const auto [code, jt, jf, k] = instructions[pc];
    if (code == bpf::kJump) {
      needed[pc] = needed[pc + 1 + k];
    } else if (bpf::IsConditionalJump(code)) {
      needed[pc] = needed[pc + 1 + jt] | needed[pc + 1 + jf] | Only(kA);
      if ((code & bpf::kX) != 0) needed[pc] |= Only(kX);
    } else {
      const Slots after = pc + 1 < instructions.size() ? needed[pc + 1] : 0;
      needed[pc] = NeededBefore(instructions[pc], after);
    }
  }
  return needed;
}

// --- what they hold

// The calls that get somewhere, and the slots there: A, X, M[0], ... as far as the program has
// them.
struct State {
  Ref reached = Diagram::kTrue;
  std::vector<Value> slots;
};

unsigned CountSlots(std::span<const Instruction> instructions) {
  unsigned slots = kMemory;
  for (const auto& [code, jt, jf, k] : instructions) {
    if (code == bpf::kStore || code == bpf::kStoreX) slots = std::max(slots, kMemory + k + 1);
  }
  return slots;
}

class Pass {
 public:
  // `joins`: keeps `reached` and joins ways that disagree.
  Pass(Diagram& diagram, Values& values, const bpf::Program& program, bool big_endian, bool joins)
      : diagram_(diagram),
        values_(values),
        instructions_(program.Instructions()),
        big_endian_(big_endian),
        joins_(joins),
        slots_(CountSlots(instructions_)),
        needed_(FindNeeded(instructions_)),
        at_(instructions_.size()),
        waiting_(instructions_.size(), kNone) {}

  // nullopt when ways disagree and are not to be joined.
  std::optional<std::vector<OperandsAt>> Run();

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  bool Advance(std::size_t pc);
  bool Arrive(std::size_t pc);
  bool Join(std::size_t pc, State& known);
  bool Branch(std::size_t pc);
  void Step(const Instruction& instruction);

  Diagram& diagram_;
  Values& values_;
  std::span<const Instruction> instructions_;
  bool big_endian_;
  bool joins_;
  unsigned slots_;
  std::vector<Slots> needed_;
  std::vector<OperandsAt> at_;
  State now_;
  // Where each instruction's state waits in `pool_` until the pass gets there.
  std::vector<std::uint32_t> waiting_;
  std::vector<State> pool_;
  std::vector<std::uint32_t> unused_;
};

// Adds the way from the current state to `pc`. False when it disagrees with another.
bool Pass::Arrive(std::size_t pc) {
  if (now_.reached == Diagram::kFalse) return true;
  at_[pc].is_reached = true;
  if (waiting_[pc] != kNone) return Join(pc, pool_[waiting_[pc]]);
  if (unused_.empty()) {
    unused_.push_back(static_cast<std::uint32_t>(pool_.size()));
    pool_.emplace_back();
  }
  waiting_[pc] = unused_.back();
  unused_.pop_back();
  pool_[waiting_[pc]] = now_;
  return true;
}

bool Pass::Join(std::size_t pc, State& known) {
  for (unsigned slot = 0; slot < slots_; ++slot) {
    if ((needed_[pc] & Only(slot)) == 0 || known.slots[slot] == now_.slots[slot]) continue;
    if (!joins_) return false;
    known.slots[slot] = values_.Select(now_.reached, now_.slots[slot], known.slots[slot]);
  }
  if (joins_) known.reached = diagram_.Or(known.reached, now_.reached);
  return true;
}

bool Pass::Branch(std::size_t pc) {
  const auto [code, jt, jf, k] = instructions_[pc];
  if (!joins_ || jt == jf) return Arrive(pc + 1 + jt) && Arrive(pc + 1 + jf);
  const Ref test = TestOf(values_, instructions_[pc], at_[pc]);
  const Ref here = now_.reached;
  now_.reached = diagram_.And(here, test);
  if (!Arrive(pc + 1 + jt)) return false;
  now_.reached = diagram_.And(here, diagram_.Not(test));
  return Arrive(pc + 1 + jf);
}

void Pass::Step(const Instruction& instruction) {
  const auto [code, jt, jf, k] = instruction;
  auto& slots = now_.slots;
  switch (code) {
    case bpf::kLoadAbs:
      slots[kA] = Values::Load(LoadedWord(k, big_endian_));
      break;
    case bpf::kLoadLen:
      slots[kA] = Values::Constant(bpf::kDataSize);
      break;
    case bpf::kLoadImm:
      slots[kA] = Values::Constant(k);
      break;
    case bpf::kLoadMem:
      slots[kA] = slots[kMemory + k];
      break;
    case bpf::kLoadXLen:
      slots[kX] = Values::Constant(bpf::kDataSize);
      break;
    case bpf::kLoadXImm:
      slots[kX] = Values::Constant(k);
      break;
    case bpf::kLoadXMem:
      slots[kX] = slots[kMemory + k];
      break;
    case bpf::kStore:
      slots[kMemory + k] = slots[kA];
      break;
    case bpf::kStoreX:
      slots[kMemory + k] = slots[kX];
      break;
    case bpf::kTax:
      slots[kX] = slots[kA];
      break;
    case bpf::kTxa:
      slots[kA] = slots[kX];
      break;
    case bpf::kNeg:
      slots[kA] = values_.Negate(slots[kA]);
      break;
    default:
      slots[kA] = values_.Binary(static_cast<std::uint16_t>(code & ~bpf::kX), slots[kA],
                                 (code & bpf::kX) != 0 ? slots[kX] : Values::Constant(k));
      break;
  }
}

// Goes from `pc`, where `now_` is, to what follows it.
bool Pass::Advance(std::size_t pc) {
  const Instruction& instruction = instructions_[pc];
  if (bpf::IsReturn(instruction.code)) return true;
  if (instruction.code == bpf::kJump) return Arrive(pc + 1 + instruction.k);
  if (bpf::IsConditionalJump(instruction.code)) return Branch(pc);
  if (joins_ && instruction.code == (bpf::kDiv | bpf::kX)) {
    now_.reached = diagram_.And(now_.reached, diagram_.Not(DividesByZero(values_, at_[pc])));
  }
  // A result that nothing needs is not computed: it may be hard.
  const bool computes = bpf::IsBinaryAlu(instruction.code) || instruction.code == bpf::kNeg;
  if (!computes || (needed_[pc + 1] & Only(kA)) != 0) Step(instruction);
  return Arrive(pc + 1);
}

std::optional<std::vector<OperandsAt>> Pass::Run() {
  now_.slots.resize(slots_);
  Arrive(0);
  for (std::size_t pc = 0; pc < instructions_.size(); ++pc) {
    if (waiting_[pc] == kNone) continue;
    unused_.push_back(waiting_[pc]);
    std::swap(now_, pool_[waiting_[pc]]);
    at_[pc].a = now_.slots[kA];
    at_[pc].x = now_.slots[kX];
    if (!Advance(pc)) return std::nullopt;
  }
  return std::move(at_);
}

}  // namespace

Value SecondOperand(const Instruction& instruction, const OperandsAt& at) {
  return (instruction.code & bpf::kX) != 0 ? at.x : Values::Constant(instruction.k);
}

Ref TestOf(Values& values, const Instruction& instruction, const OperandsAt& at) {
  return values.Holds(static_cast<std::uint16_t>(instruction.code & ~bpf::kX), at.a,
                      SecondOperand(instruction, at));
}

Ref DividesByZero(Values& values, const OperandsAt& at) {
  return values.Holds(bpf::kJeq, at.x, Values::Constant(0));
}

std::vector<OperandsAt> FindOperands(Diagram& diagram, Values& values, const bpf::Program& program,
                                     bool big_endian) {
  auto found = Pass(diagram, values, program, big_endian, /*joins=*/false).Run();
  if (!found) found = Pass(diagram, values, program, big_endian, /*joins=*/true).Run();
  return *std::move(found);
}

}  // namespace bailey::verify
