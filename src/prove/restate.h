// Any filter, written as a policy that compiles to an equal one.
//
//   auto text = prove::Restate(program, /*big_endian=*/false);
//   if (text) Print(*text);                     // TOML: bailey = 1, [syscalls] ...
//
// The text is read back, and its meaning compared with the filter's, before it is given out.
#pragma once

#include <string>

#include "base/result.h"
#include "bpf/program.h"

namespace bailey::prove {

// kUnsupported where the policy language cannot say what the filter does: answers that depend on
// the instruction pointer (with the pc of the load), several answers for numbers that no table
// names, tokens of no table that are not answered alike.
base::Result<std::string> Restate(const bpf::Program& program, bool big_endian);

}  // namespace bailey::prove
