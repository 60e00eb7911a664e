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

#include "bpf/execute.h"
#include "bpf/program.h"

namespace bailey::bpf {

// `big_endian`: the byte order of the machine whose kernel runs the filter.
Run Interpret(const Program& program, const SeccompData& data, bool big_endian);

// The pcs that it executes on the way, the return's the last.
std::vector<std::uint32_t> Path(const Program& program, const SeccompData& data, bool big_endian);

// All filters of a stack, oldest first: the strictest value wins, on a tie the newest filter's. The
// kernel starts from a plain allow, so allows lose their data.
std::uint32_t InterpretStack(std::span<const Program> stack, const SeccompData& data,
                             bool big_endian);
inline constexpr std::uint32_t kNoFilterValue = 0x7fff0000;

// The value that stands when a newer filter (or those newer than it) returned `newer`.
std::uint32_t StricterValue(std::uint32_t newer, std::uint32_t older);

}  // namespace bailey::bpf
