// What the registers hold at each instruction of a program, as functions of the call.
//
//   auto operands = FindOperands(diagram, values, program, big_endian);
//   if (operands[pc].is_reached) Use(operands[pc].a);
//
// One pass in program order, since programs only jump forward. Where ways meet, most programs have
// the same in each register that is still needed. Where they do not, the pass is made again with
// the calls that take each way, and registers become selections between the ways.
#pragma once

#include <vector>

#include "bpf/program.h"
#include "verify/value.h"

namespace bailey::verify {

struct OperandsAt {
  bool is_reached = false;
  Value a, x;  // before the instruction
};

std::vector<OperandsAt> FindOperands(Diagram& diagram, Values& values, const bpf::Program& program,
                                     bool big_endian);

// The second operand of a jump, and whether the jump's test holds.
Value SecondOperand(const bpf::Instruction& instruction, const OperandsAt& at);
Ref TestOf(Values& values, const bpf::Instruction& instruction, const OperandsAt& at);
// Whether a division by X ends the filter.
Ref DividesByZero(Values& values, const OperandsAt& at);

}  // namespace bailey::verify
