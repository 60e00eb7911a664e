// What a launcher does with a preset before it starts a program.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "bpf/instruction.h"

namespace bailey::bench {

struct Made {
  double read, compile;  // nanoseconds
  std::vector<bpf::Instruction> filter;
};

// nullopt: there is no such preset, or it does not compile.
std::optional<Made> MakeFilter(std::string_view preset);

}  // namespace bailey::bench
