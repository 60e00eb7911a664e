// Questions about diagrams. Every answer is exact or says that it is undecided, which happens only
// when the diagram's limits were reached.
//
//   Ref changed = diagram.Differ(before, after);
//   Witness witness = FindWitness(diagram, changed);
//   if (witness.found == Answer::kYes) Print(witness.data);
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/instruction.h"
#include "verify/diagram.h"

namespace bailey::verify {

enum class Answer : std::uint8_t { kNo, kYes, kUndecided };

// The same function of the call.
Answer Equal(Ref a, Ref b);
// No call satisfies the predicate.
Answer IsEmpty(Ref predicate);
// Some call satisfies both.
Answer Overlap(Diagram& diagram, Ref a, Ref b);

struct Witness {
  Answer found = Answer::kUndecided;
  bpf::SeccompData data;  // where found
};
// The call with the smallest words, in the diagram's order, that satisfies the predicate. Words
// that do not matter are 0.
Witness FindWitness(const Diagram& diagram, Ref predicate);
// The value of `meaning` for one call; nullopt when it is lost.
std::optional<Outcome> OutcomeFor(const Diagram& diagram, Ref meaning,
                                  const bpf::SeccompData& data);

// Every outcome that some call within the predicate has, strictest first; nullopt when undecided.
std::optional<std::vector<Outcome>> OutcomesWithin(Diagram& diagram, Ref meaning, Ref predicate);

// Two calls that differ only in bits of `word` that nobody reads, and have different outcomes.
struct Dependence {
  Answer found = Answer::kUndecided;
  bpf::SeccompData one, other;
};
// Whether `meaning` depends on the `discarded` bits of `word`, for calls within the predicate
// (which must not depend on them itself).
Dependence FindDependence(Diagram& diagram, Ref meaning, Ref predicate, Word word,
                          std::uint32_t discarded);

}  // namespace bailey::verify
