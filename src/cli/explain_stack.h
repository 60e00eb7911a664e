// What the filters of bytes that a policy stacks answer to a call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "abi/arch.h"
#include "bpf/instruction.h"
#include "policy/policy.h"

namespace bailey::cli {

// Two lines for each, in the form of `bailey explain`. Without `call`: all that they answer to the
// number, by arguments that the reader may choose.
std::string ExplainStack(const policy::Syscalls& syscalls, abi::Arch arch, std::uint32_t number,
                         const std::optional<bpf::SeccompData>& call);

}  // namespace bailey::cli
