// Codes as instructions, with addresses.
#pragma once

#include <cstddef>
#include <vector>

#include "bpf/instruction.h"
#include "compile/code.h"

namespace bailey::compile {

// May be longer than a filter can be; Validate refuses that.
std::vector<bpf::Instruction> LayOut(const CodeGraph& graph, bool big_endian);

}  // namespace bailey::compile
