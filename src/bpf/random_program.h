// Random filters and calls, for tests and fuzzers.
//
//   bpf::RandomPrograms random(seed);
//   bpf::Program program = random.Accepted({.size = 40});
//
// Each kind of instruction occurs. Constants are drawn from a small pool of interesting words and
// their neighbours, so that comparisons hold often enough to lead anywhere.
#pragma once

#include <random>
#include <vector>

#include "bpf/program.h"

namespace bailey::bpf {

class RandomPrograms {
 public:
  explicit RandomPrograms(std::uint64_t seed) : engine_(seed) {}

  struct Shape {
    std::size_t size = 20;
    bool alu = true;       // arithmetic; else only loads, AND and jumps, as compilers emit
    bool memory = true;    // M[], X
    bool hard = true;      // MUL and DIV and operations on two registers
    bool loads_ip = true;  // words of the instruction pointer
    bool return_a = true;
  };
  // Instructions that mostly are what the kernel accepts; about half of the programs are.
  std::vector<Instruction> Mutated(const Shape& shape);
  Program Accepted(const Shape& shape);
  SeccompData Data();
  // Words that `program` compares with or masks by, their neighbours, and random ones.
  SeccompData DataFor(const Program& program, bool big_endian);

  std::uint32_t Below(std::uint32_t limit);
  bool OneIn(std::uint32_t times) { return Below(times) == 0; }

 private:
  std::uint32_t Constant();
  Instruction Step(const Shape& shape);

  std::mt19937_64 engine_;
};

// Sets the word that a load at `offset` sees.
void SetWord(SeccompData& data, std::uint32_t offset, std::uint32_t value, bool big_endian);

}  // namespace bailey::bpf
