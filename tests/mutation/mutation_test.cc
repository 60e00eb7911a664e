// Filters with one instruction changed. Whatever the interpreter shows to differ must be found
// different, with a call that really is answered differently; what is found equal must not be shown
// to differ. Some mutants by default; every one where BAILEY_MUTANTS is "all".
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bpf/disassembler.h"
#include "compile/compile.h"
#include "mutants.h"
#include "oracle.h"
#include "peer.h"
#include "policy/import_oci.h"
#include "policy/load.h"
#include "verify/meaning.h"
#include "verify/query.h"

namespace bailey::mutation {
namespace {

using verify::Answer;
using verify::Diagram;

struct Victim {
  std::string name;
  bpf::Program program;
};

policy::Syscalls DockerProfile() {
  const std::string path = BAILEY_SOURCE_DIR "/data/docker-default-seccomp.json";
  std::ifstream file(path);
  const std::string json{std::istreambuf_iterator<char>(file), {}};
  return *policy::ImportOci(
      json, path,
      {.capabilities = policy::DefaultContainerCapabilities(),
       .architectures = {abi::Arch::kX86_64, abi::Arch::kI386, abi::Arch::kX32}});
}

std::vector<Victim> Victims() {
  std::vector<Victim> victims;
  for (const policy::Preset& preset : policy::Presets()) {
    const auto policy = policy::Load(preset.name, {"/root", "/", abi::Arch::kX86_64});
    victims.push_back({std::string(preset.name), *compile::Compile(policy->syscalls)});
  }
  const policy::Syscalls docker = DockerProfile();
  victims.push_back({"Docker's profile, bailey", *compile::Compile(docker)});
  victims.push_back(
      {"Docker's profile, libseccomp", *bpf::Validate(*bench::BuildWithLibseccomp(docker, false))});
  return victims;
}

// How many mutants of a kind came to what end.
struct Tally {
  std::size_t refused = 0;    // the kernel would not take it
  std::size_t equal = 0;      // proved, and the oracle knows no difference
  std::size_t different = 0;  // with a call that shows it
  std::size_t shown = 0;      // of those, the oracle had one too
  std::size_t undecided = 0;
};

// Compares with one victim, in a diagram that is begun anew before it is full.
class Comparer {
 public:
  explicit Comparer(const bpf::Program& program) : program_(program) { Begin(); }

  // The call that shows a difference; kNo where there is none.
  verify::Witness Compare(const bpf::Program& mutant) {
    if (diagram_->NodeCount() > kLimits.nodes / 2 || diagram_->IsExhausted()) Begin();
    diagram_->Refill();
    const verify::Witness witness = Ask(*diagram_, meaning_, mutant);
    if (witness.found != Answer::kUndecided) return witness;
    // Two words in relation, which the program's own order may not suit; or only much work.
    for (const verify::Order order : {verify::Order::kInterleaved, verify::Order::kWordByWord}) {
      Diagram other(order);
      const verify::Witness again = Ask(other, verify::MeaningOf(other, program_, false), mutant);
      if (again.found != Answer::kUndecided) return again;
    }
    return {};
  }

 private:
  static constexpr verify::Limits kLimits = {.nodes = 150'000, .steps = 300'000};

  void Begin() {
    diagram_ = std::make_unique<Diagram>(verify::ChooseOrder({&program_, 1}), kLimits);
    meaning_ = verify::MeaningOf(*diagram_, program_, false);
  }

  static verify::Witness Ask(Diagram& diagram, verify::Ref meaning, const bpf::Program& mutant) {
    const verify::Ref other = verify::MeaningOf(diagram, mutant, false);
    if (meaning == other && other != Diagram::kLost) return {Answer::kNo, {}};
    return verify::FindWitness(diagram, diagram.Differ(meaning, other));
  }

  const bpf::Program& program_;
  std::unique_ptr<Diagram> diagram_;
  verify::Ref meaning_ = Diagram::kLost;
};

class Trial {
 public:
  explicit Trial(const Victim& victim)
      : victim_(victim), oracle_(victim.program), comparer_(victim.program) {}

  void Try(const Mutant& mutant) {
    Tally& tally = tallies_[static_cast<std::size_t>(mutant.kind)];
    const auto original = victim_.program.Instructions();
    std::vector<bpf::Instruction> changed(original.begin(), original.end());
    changed[mutant.pc] = mutant.instruction;
    const auto program = bpf::Validate(std::move(changed));
    if (!program) {
      ++tally.refused;
      return;
    }
    const verify::Witness witness = comparer_.Compare(*program);
    const auto shown = oracle_.FindDifference(mutant);
    if (shown) {
      // The oracle's own word is checked as well.
      ASSERT_NE(Effect(victim_.program, *shown), Effect(*program, *shown)) << Name(mutant);
      ASSERT_NE(witness.found, Answer::kNo) << "missed: " << Name(mutant);
    }
    if (witness.found == Answer::kUndecided) {
      ++tally.undecided;
    } else if (witness.found == Answer::kNo) {
      ++tally.equal;
    } else {
      ASSERT_NE(Effect(victim_.program, witness.data), Effect(*program, witness.data))
          << "no witness: " << Name(mutant);
      ++tally.different;
      tally.shown += shown ? 1 : 0;
    }
  }

  void Print(double seconds) const {
    for (std::size_t kind = 0; kind < std::size(kKindNames); ++kind) {
      const Tally& t = tallies_[kind];
      std::printf("%-30s %-12s %8zu %8zu %8zu %8zu %6zu\n", victim_.name.c_str(),
                  std::string(kKindNames[kind]).c_str(), t.refused, t.equal, t.different, t.shown,
                  t.undecided);
    }
    std::printf("%-30s %zu instructions, %zu calls of the oracle, %.1f s\n", victim_.name.c_str(),
                victim_.program.Size(), oracle_.CallCount(), seconds);
    std::fflush(stdout);
  }

  const Tally& Of(std::size_t kind) const { return tallies_[kind]; }

 private:
  std::string Name(const Mutant& mutant) const {
    const auto [code, jt, jf, k] = mutant.instruction;
    return victim_.name + ", pc " + std::to_string(mutant.pc) + ": code " + std::to_string(code) +
           " jt " + std::to_string(jt) + " jf " + std::to_string(jf) + " k " + std::to_string(k);
  }

  const Victim& victim_;
  Oracle oracle_;
  Comparer comparer_;
  Tally tallies_[std::size(kKindNames)];
};

class Mutation : public testing::TestWithParam<Victim> {};

TEST_P(Mutation, WhatDiffersIsFound) {
  const Victim& victim = GetParam();
  const char* const wish = std::getenv("BAILEY_MUTANTS");
  const bool all = wish != nullptr && std::string(wish) == "all";
  constexpr std::uint64_t kSeed = 7;
  constexpr std::size_t kSample = 400;
  std::printf("%s; seed %d\n%-30s %-12s %8s %8s %8s %8s %6s\n", all ? "every mutant" : "a sample",
              static_cast<int>(kSeed), "", "", "refused", "equal", "differ", "shown", "lost");
  const auto start = std::chrono::steady_clock::now();
  const auto instructions = victim.program.Instructions();
  std::vector<Mutant> mutants;
  for (std::size_t pc = 0; pc < instructions.size(); ++pc) {
    const std::vector<Mutant> here = MutantsAt(instructions, pc);
    mutants.insert(mutants.end(), here.begin(), here.end());
  }
  if (!all) {
    std::mt19937_64 engine(kSeed);
    std::ranges::shuffle(mutants, engine);
    mutants.resize(std::min(mutants.size(), kSample));
  }
  Trial trial(victim);
  for (const Mutant& mutant : mutants) {
    trial.Try(mutant);
    if (HasFatalFailure()) return;
  }
  trial.Print(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  std::size_t different = 0;
  for (std::size_t kind = 0; kind < std::size(kKindNames); ++kind) {
    different += trial.Of(kind).different;
    // Products, quotients and sums of words may be too hard; little else is.
    EXPECT_LE(trial.Of(kind).undecided,
              kind == 0 ? mutants.size() / 50 : 1 + mutants.size() / 1000);
  }
  EXPECT_GT(different, mutants.size() / 10);
}

std::string TestName(const testing::TestParamInfo<Victim>& info) {
  std::string name;
  for (const char c : info.param.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Of, Mutation, testing::ValuesIn(Victims()), TestName);

}  // namespace
}  // namespace bailey::mutation
