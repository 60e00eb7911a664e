// Filters as terms of Z3, which knows nothing of diagrams: an oracle for tests, and what bench
// compares with. Nothing that is shipped links it.
//
//   z3::context context;
//   InZ3 filters(context);
//   solver.add(filters.Effect(filters.Returns(one)) != filters.Effect(filters.Returns(other)));
#pragma once

#include <z3++.h>

#include <optional>
#include <vector>

#include "bpf/program.h"

namespace bailey::verify {

class InZ3 {
 public:
  explicit InZ3(z3::context& context);

  // The words of seccomp_data by their offset, not by their meaning: a load at 4 * i reads word i.
  const z3::expr& Word(std::uint32_t i) const { return words_[i]; }
  z3::expr Number(std::uint32_t value) { return context_.bv_val(value, 32); }
  // What the filter returns: one term, each instruction in it once.
  z3::expr Returns(const bpf::Program& program);
  // What the kernel does with a returned value, as abi::Decode names it.
  z3::expr Effect(const z3::expr& value);

 private:
  struct State {
    z3::expr reached;
    std::vector<z3::expr> slots;  // A, X, memory
  };

  static void Merge(std::optional<State>& into, const State& from);
  std::vector<std::optional<State>> StatesOf(const bpf::Program& program);
  z3::expr Operand(const bpf::Instruction& instruction, const State& state);
  z3::expr Test(const bpf::Instruction& instruction, const State& state);
  z3::expr Compute(const bpf::Instruction& instruction, const State& state);
  void Step(const bpf::Instruction& instruction, State& state);

  z3::context& context_;
  std::vector<z3::expr> words_;
  z3::expr zero_;
};

}  // namespace bailey::verify
