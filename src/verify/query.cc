#include "verify/query.h"

#include <algorithm>
#include <set>

namespace bailey::verify {
namespace {

void SetDigit(const Diagram& diagram, unsigned level, unsigned digit, bpf::SeccompData& data) {
  const Word word = diagram.WordAt(level);
  const unsigned shift = Diagram::kDigitBits * diagram.DigitAt(level);
  const std::uint32_t others = Get(data, word) & ~(std::uint32_t{Diagram::kFanOut - 1} << shift);
  Set(data, word, others | (digit << shift));
}

// Extends `data` to a call that satisfies a predicate. In a reduced diagram whatever is not false
// can be satisfied.
void Satisfy(const Diagram& diagram, Ref predicate, bpf::SeccompData& data) {
  while (!Diagram::IsTerminal(predicate)) {
    const Diagram::Children& children = diagram.ChildrenOf(predicate);
    unsigned digit = 0;
    while (children[digit] == Diagram::kFalse) ++digit;
    SetDigit(diagram, diagram.Level(predicate), digit, data);
    predicate = children[digit];
  }
}

// Looks for a node that tests discarded bits, and for two ways on from it that differ in them only.
class DependenceSearch {
 public:
  DependenceSearch(Diagram& diagram, Word word, std::uint32_t discarded)
      : diagram_(diagram), word_(word), discarded_(discarded), visited_(diagram.NodeCount()) {}

  Answer Search(Ref ref, Dependence& result) {
    if (ref == Diagram::kLost) return Answer::kUndecided;
    if (Diagram::IsTerminal(ref) || visited_[ref]) return Answer::kNo;
    visited_[ref] = true;
    const unsigned level = diagram_.Level(ref);
    if (diagram_.WordAt(level) == word_) {
      const Answer here = SearchNode(ref, result);
      if (here != Answer::kNo) return here;
    }
    const Diagram::Children& children = diagram_.ChildrenOf(ref);
    for (unsigned digit = 0; digit < Diagram::kFanOut; ++digit) {
      SetDigit(diagram_, level, digit, result.one);
      const Answer below = Search(children[digit], result);
      if (below != Answer::kNo) return below;
    }
    SetDigit(diagram_, level, 0, result.one);
    return Answer::kNo;
  }

 private:
  // result.one holds the way to the node.
  Answer SearchNode(Ref node, Dependence& result) {
    const unsigned level = diagram_.Level(node);
    const unsigned free =
        (discarded_ >> (Diagram::kDigitBits * diagram_.DigitAt(level))) % Diagram::kFanOut;
    const Diagram::Children& children = diagram_.ChildrenOf(node);
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      for (unsigned j = i + 1; j < Diagram::kFanOut; ++j) {
        if (((i ^ j) & ~free) != 0 || children[i] == children[j]) continue;
        const Ref differ = diagram_.Differ(children[i], children[j]);
        if (differ == Diagram::kLost) return Answer::kUndecided;
        if (differ == Diagram::kFalse) continue;
        SetDigit(diagram_, level, i, result.one);
        Satisfy(diagram_, differ, result.one);
        result.other = result.one;
        SetDigit(diagram_, level, j, result.other);
        return Answer::kYes;
      }
    }
    return Answer::kNo;
  }

  Diagram& diagram_;
  Word word_;
  std::uint32_t discarded_;
  std::vector<bool> visited_;
};

}  // namespace

Answer Equal(Ref a, Ref b) {
  if (a == Diagram::kLost || b == Diagram::kLost) return Answer::kUndecided;
  return a == b ? Answer::kYes : Answer::kNo;
}

Answer IsEmpty(Ref predicate) { return Equal(predicate, Diagram::kFalse); }

Answer Overlap(Diagram& diagram, Ref a, Ref b) {
  return Equal(diagram.Intersect(a, b), Diagram::kTrue);
}

Witness FindWitness(const Diagram& diagram, Ref predicate) {
  if (predicate == Diagram::kLost) return {};
  if (predicate == Diagram::kFalse) return {Answer::kNo, {}};
  Witness witness = {Answer::kYes, {}};
  Satisfy(diagram, predicate, witness.data);
  return witness;
}

std::optional<Outcome> OutcomeFor(const Diagram& diagram, Ref meaning,
                                  const bpf::SeccompData& data) {
  const Ref terminal = diagram.Follow(meaning, data);
  if (!Diagram::IsOutcome(terminal)) return std::nullopt;
  return Diagram::OutcomeAt(terminal);
}

std::optional<std::vector<Outcome>> OutcomesWithin(Diagram& diagram, Ref meaning, Ref predicate) {
  const Ref within = diagram.Ite(predicate, meaning, Diagram::Outside());
  if (within == Diagram::kLost) return std::nullopt;
  std::set<Outcome> outcomes;
  std::vector<bool> visited(diagram.NodeCount());
  const auto visit = [&](const auto& self, Ref ref) -> void {
    if (Diagram::IsTerminal(ref)) {
      if (Diagram::IsOutcome(ref)) outcomes.insert(Diagram::OutcomeAt(ref));
      return;
    }
    if (visited[ref]) return;
    visited[ref] = true;
    for (const Ref child : diagram.ChildrenOf(ref)) self(self, child);
  };
  visit(visit, within);
  return std::vector<Outcome>(outcomes.begin(), outcomes.end());
}

Dependence FindDependence(Diagram& diagram, Ref meaning, Ref predicate, Word word,
                          std::uint32_t discarded) {
  const Ref within = diagram.Ite(predicate, meaning, Diagram::Outside());
  Dependence result;
  result.found = DependenceSearch(diagram, word, discarded).Search(within, result);
  return result;
}

}  // namespace bailey::verify
