// Runs a filter on one call, as the kernel would.
#pragma once

#include <span>

#include "bpf/program.h"

namespace bailey::bpf {

struct Run {
  std::uint32_t value = 0;         // what the filter returns, undecoded
  std::uint32_t instructions = 0;  // executed, the return included
  std::uint32_t pc = 0;            // of the return (or of the division by zero, which returns 0)
};

// `big_endian`: the byte order of the machine whose kernel runs the filter.
Run Interpret(const Program& program, const SeccompData& data, bool big_endian);

// All filters of a stack, oldest first: the strictest value wins, on a tie the newest filter's.
std::uint32_t InterpretStack(std::span<const Program> stack, const SeccompData& data,
                             bool big_endian);

}  // namespace bailey::bpf
