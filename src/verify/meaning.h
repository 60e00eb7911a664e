// What filters do, as a diagram: exact for every program that the kernel accepts.
//
//   Diagram diagram(ChooseOrder(stack));
//   Ref meaning = MeaningOf(diagram, stack, /*big_endian=*/false);   // oldest filter first
//   if (Equal(meaning, other) == Answer::kYes) ...                   // query.h
//
// A program only jumps forward, so one pass in program order finds what the registers hold at each
// instruction, as functions of the call (ways that disagree are joined under the condition that
// tells them apart), and one pass back composes the outcome. Each instruction is looked at once,
// however many ways lead to it.
#pragma once

#include <span>

#include "bpf/program.h"
#include "verify/diagram.h"

namespace bailey::verify {

// What the kernel does with each call under all filters of a stack, oldest first: the terminals are
// effects (EffectOf), as abi::Decode names them. An empty stack allows.
Ref MeaningOf(Diagram& diagram, std::span<const bpf::Program> stack, bool big_endian);
Ref MeaningOf(Diagram& diagram, const bpf::Program& program, bool big_endian);

// What one filter returns: OutcomeOf its values.
Ref ReturnsOf(Diagram& diagram, const bpf::Program& program, bool big_endian);
// EffectOf at every terminal.
Ref EffectsOf(Diagram& diagram, Ref returns);

// The order that suits programs: interleaved where some instruction relates two registers.
Order ChooseOrder(std::span<const bpf::Program> programs);

}  // namespace bailey::verify
