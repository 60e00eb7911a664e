// Says by interpretation that a mutant differs: calls at the boundaries of what the filter compares
// with, run from the changed instruction on. It may miss a difference, and never invents one.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "bpf/program.h"
#include "bpf/random_program.h"
#include "mutants.h"
#include "verify/outcome.h"

namespace bailey::mutation {

// What the kernel does in the end.
verify::Outcome Effect(const bpf::Program& program, const bpf::SeccompData& data);

class Oracle {
 public:
  explicit Oracle(const bpf::Program& program);

  // A call that the mutant answers differently, if one of the oracle's is.
  std::optional<bpf::SeccompData> FindDifference(const Mutant& mutant) const;
  std::size_t CallCount() const { return calls_.size(); }

 private:
  // A call on its way through the filter.
  struct Passing {
    std::uint32_t call = 0;  // of calls_
    std::uint32_t a = 0, x = 0;
    std::array<std::uint32_t, bpf::kMemoryWords> memory = {};
  };
  struct Step;

  void CollectCalls();
  void Follow(std::uint32_t call);
  // The value that `passing` gets when it goes on at `pc`, where `first` stands.
  std::uint32_t Run(Passing passing, std::size_t pc, const bpf::Instruction& first) const;

  const bpf::Program& program_;
  bpf::RandomPrograms random_{20261121};
  std::vector<bpf::SeccompData> calls_;
  std::vector<verify::Outcome> effects_;     // of the calls
  std::vector<std::vector<Passing>> at_pc_;  // some of those that pass
  std::vector<std::uint32_t> passed_;        // how many do
};

}  // namespace bailey::mutation
