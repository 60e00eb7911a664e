// The questions that a prover answers, asked of Z3: does any call of a guarantee's set get an
// answer that leaves it open? Made from the catalogue's text here, not from the prover's diagrams.
#pragma once

#include <memory>

#include "prove/prover.h"

namespace bailey::bench {

// How the questions are put; which is fastest depends on the filter.
enum class Asking : std::uint8_t {
  kOneSolver,    // the filter asserted once, each question pushed and popped: what was learnt stays
  kFreshSolver,  // a solver for each question, which may then choose tactics freely
  kFoldedFirst,  // architecture and number put into the filter and folded, then a fresh solver
};

class AskZ3 {
 public:
  // `subject` has one filter.
  AskZ3(const prove::Subject& subject, Asking asking);
  ~AskZ3();
  // Whether some call of the guarantee's own set is refuted: without what it rests on, and what is
  // decided behind a pointer.
  bool IsRefuted(const prove::Guarantee& guarantee);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bailey::bench
