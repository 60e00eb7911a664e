// Runs a filter on one call, as the kernel would.
//
//   bpf::Run run = bpf::Interpret(program, {.nr = 0, .arch = 0xc000003e}, /*big_endian=*/false);
//   abi::Action action = abi::Decode(run.value);
//
// Where classic BPF leaves something open, this is what Linux does (net/core/filter.c translates to
// eBPF): A and X start as 0; a division by X = 0 ends the filter with value 0; a shift by X uses
// X's low five bits (kernel/bpf/core.c; x86_64's and arm64's machine instructions do the same).
#pragma once

#include <span>
#include <vector>

#include "bpf/program.h"

namespace bailey::bpf {

struct Run {
  std::uint32_t value = 0;         // what the filter returns, undecoded
  std::uint32_t instructions = 0;  // executed, the return included
  std::uint32_t pc = 0;            // of the return (or of the division by zero, which returns 0)
};

// `big_endian`: the byte order of the machine whose kernel runs the filter.
Run Interpret(const Program& program, const SeccompData& data, bool big_endian);

// The pcs that it executes on the way, the return's the last.
std::vector<std::uint32_t> Path(const Program& program, const SeccompData& data, bool big_endian);

// kAdd .. kXor on two values. A division by 0 is the caller's to handle: it ends the filter.
std::uint32_t Compute(std::uint16_t operation, std::uint32_t left, std::uint32_t right);

// kJeq, kJgt, kJge, kJset on two values.
bool Holds(std::uint16_t test, std::uint32_t left, std::uint32_t right);

// All filters of a stack, oldest first: the strictest value wins, on a tie the newest filter's. The
// kernel starts from a plain allow, so allows lose their data.
std::uint32_t InterpretStack(std::span<const Program> stack, const SeccompData& data,
                             bool big_endian);
inline constexpr std::uint32_t kNoFilterValue = 0x7fff0000;

// The value that stands when a newer filter (or those newer than it) returned `newer`.
std::uint32_t StricterValue(std::uint32_t newer, std::uint32_t older);

}  // namespace bailey::bpf
