#include "verify/meaning.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "bpf/interpreter.h"
#include "verify/operands.h"
#include "verify/predicate.h"
#include "verify/value.h"

namespace bailey::verify {
namespace {

using bpf::Instruction;

constexpr std::uint32_t kLargest = 0xffffffff;

// The outcome from an instruction on: a diagram, or, while every test so far was of one word, its
// pieces by that word. Programs test one number after the other; to collect the pieces and build
// the diagram once is ten times faster than to build one for each test.
struct Onward {
  Ref whole = Diagram::kLost;  // where `pieces` is empty
  Word word = Word::kArch;
  std::vector<Span> pieces;  // sorted, covering every value
};

// Replaces the value at one point.
void SetPoint(std::vector<Span>& pieces, std::uint32_t point, Ref value) {
  auto piece = std::ranges::lower_bound(pieces, point, {}, &Span::last);
  if (piece->value == value) return;
  const Span old = *piece;
  piece->value = value;
  piece->first = piece->last = point;
  if (point < old.last) piece = pieces.insert(piece + 1, {point + 1, old.last, old.value}) - 1;
  if (old.first < point) pieces.insert(piece, {old.first, point - 1, old.value});
}

// `below` up to `last`, and from there on `above`.
std::vector<Span> Splice(std::vector<Span> below, std::uint32_t last, std::span<const Span> above) {
  auto cut = std::ranges::lower_bound(below, last, {}, &Span::last);
  cut->last = last;
  below.erase(cut + 1, below.end());
  auto rest = std::ranges::upper_bound(above, last, {}, &Span::last);
  if (rest == above.end()) return below;
  below.push_back({last + 1, rest->last, rest->value});
  below.insert(below.end(), rest + 1, above.end());
  return below;
}

// Goes back through a program whose operands are known.
class Composer {
 public:
  Composer(Diagram& diagram, const bpf::Program& program, bool big_endian)
      : diagram_(diagram),
        values_(diagram),
        instructions_(program.Instructions()),
        at_(FindOperands(diagram, values_, program, big_endian)),
        uses_(instructions_.size()),
        onward_(instructions_.size()) {
    CountUses();
  }

  Ref Compose() {
    for (std::size_t pc = instructions_.size(); pc-- > 0;) {
      if (at_[pc].is_reached) onward_[pc] = From(pc);
    }
    return Whole(0);
  }

 private:
  void CountUses();
  Onward From(std::size_t pc);
  Onward FromTest(std::size_t pc);
  Onward Follow(std::size_t pc);
  Ref Whole(std::size_t pc);
  std::vector<Span> Pieces(std::size_t pc, Word word);

  Diagram& diagram_;
  Values values_;
  std::span<const Instruction> instructions_;
  std::vector<OperandsAt> at_;
  std::vector<std::uint32_t> uses_;  // how many instructions go on there
  std::vector<Onward> onward_;
};

void Composer::CountUses() {
  for (std::size_t pc = 0; pc < instructions_.size(); ++pc) {
    const auto [code, jt, jf, k] = instructions_[pc];
    if (!at_[pc].is_reached || bpf::IsReturn(code)) continue;
    if (bpf::IsConditionalJump(code)) {
      ++uses_[pc + 1 + jt];
      ++uses_[pc + 1 + jf];
    } else {
      ++uses_[pc + 1 + (code == bpf::kJump ? k : 0)];
    }
  }
}

Onward Composer::From(std::size_t pc) {
  const Instruction& instruction = instructions_[pc];
  if (instruction.code == bpf::kReturn) return {Diagram::Terminal(OutcomeOf(instruction.k))};
  if (instruction.code == bpf::kReturnA) return {values_.Outcomes(at_[pc].a)};
  if (instruction.code == bpf::kJump) return Follow(pc + 1 + instruction.k);
  if (bpf::IsConditionalJump(instruction.code)) return FromTest(pc);
  if (instruction.code != (bpf::kDiv | bpf::kX)) return Follow(pc + 1);
  const Ref killed = Diagram::Terminal(OutcomeOf(0));
  if (!at_[pc + 1].is_reached) return {killed};
  return {diagram_.Ite(DividesByZero(values_, at_[pc]), killed, Whole(pc + 1))};
}

// Where one of the ways on is never taken (joins find that out), the other is.
Onward Composer::FromTest(std::size_t pc) {
  const auto [code, jt, jf, k] = instructions_[pc];
  const std::size_t then = pc + 1 + jt;
  const std::size_t otherwise = pc + 1 + jf;
  if (!at_[then].is_reached) return Follow(otherwise);
  if (!at_[otherwise].is_reached || then == otherwise) return Follow(then);
  const Value a = at_[pc].a;
  const Value operand = SecondOperand(instructions_[pc], at_[pc]);
  const auto test = static_cast<std::uint16_t>(code & ~bpf::kX);
  if (a != Values::Load(a.word) || operand.kind != Value::Kind::kConstant || test == bpf::kJset) {
    const Ref held = Whole(then);
    const Ref failed = Whole(otherwise);
    if (held == failed) return {held};
    return {diagram_.Ite(TestOf(values_, instructions_[pc], at_[pc]), held, failed)};
  }
  const std::uint32_t number = operand.payload;
  if (test == bpf::kJge && number == 0) return Follow(then);
  if (test == bpf::kJgt && number == kLargest) return Follow(otherwise);
  std::vector<Span> held = Pieces(then, a.word);
  std::vector<Span> failed = Pieces(otherwise, a.word);
  if (test == bpf::kJeq) {
    const auto piece = std::ranges::lower_bound(held, number, {}, &Span::last);
    SetPoint(failed, number, piece->value);
  } else {
    failed = Splice(std::move(failed), test == bpf::kJge ? number - 1 : number, held);
  }
  return {Diagram::kLost, a.word, std::move(failed)};
}

Onward Composer::Follow(std::size_t pc) {
  if (uses_[pc] == 1) return std::move(onward_[pc]);
  return {Whole(pc)};
}

Ref Composer::Whole(std::size_t pc) {
  Onward& onward = onward_[pc];
  if (!onward.pieces.empty()) {
    onward.whole = Switch(diagram_, onward.word, onward.pieces);
    onward.pieces.clear();
  }
  return onward.whole;
}

// Taken away where nobody else will ask for them.
std::vector<Span> Composer::Pieces(std::size_t pc, Word word) {
  Onward& onward = onward_[pc];
  if (uses_[pc] == 1 && !onward.pieces.empty() && onward.word == word) {
    return std::move(onward.pieces);
  }
  return {{0, kLargest, Whole(pc)}};
}

// Whether every value that the program can return is one that nobody alters.
bool ReturnsEffects(const bpf::Program& program) {
  return std::ranges::all_of(program.Instructions(), [](const Instruction& instruction) {
    if (instruction.code == bpf::kReturnA) return false;
    if (instruction.code != bpf::kReturn) return true;
    return EffectOf(OutcomeOf(instruction.k)) == OutcomeOf(instruction.k);
  });
}

}  // namespace

Ref ReturnsOf(Diagram& diagram, const bpf::Program& program, bool big_endian) {
  return Composer(diagram, program, big_endian).Compose();
}

Ref EffectsOf(Diagram& diagram, Ref returns) {
  return diagram.Map(returns, [](Ref terminal) {
    return Diagram::Terminal(EffectOf(Diagram::OutcomeAt(terminal)));
  });
}

Ref MeaningOf(Diagram& diagram, std::span<const bpf::Program> stack, bool big_endian) {
  if (stack.empty()) return Diagram::Terminal(OutcomeOf(bpf::kNoFilterValue));
  Ref meaning = ReturnsOf(diagram, stack.back(), big_endian);
  for (std::size_t i = stack.size() - 1; i-- > 0;) {
    meaning = diagram.Stricter(meaning, ReturnsOf(diagram, stack[i], big_endian));
  }
  return std::ranges::all_of(stack, ReturnsEffects) ? meaning : EffectsOf(diagram, meaning);
}

Ref MeaningOf(Diagram& diagram, const bpf::Program& program, bool big_endian) {
  return MeaningOf(diagram, std::span(&program, 1), big_endian);
}

Order ChooseOrder(std::span<const bpf::Program> programs) {
  for (const bpf::Program& program : programs) {
    for (const Instruction& instruction : program.Instructions()) {
      const std::uint16_t code = instruction.code;
      if ((code & bpf::kX) != 0 && (bpf::IsBinaryAlu(code) || bpf::IsConditionalJump(code))) {
        return Order::kInterleaved;
      }
    }
  }
  return Order::kWordByWord;
}

}  // namespace bailey::verify
