// A concrete call as a person would write it.
//
//   CallText(data) == "x86_64: ioctl(fd=0, cmd=0x100005412 /* TIOCSTI with high bits */, arg=0)"
//
// All six registers decide, but only those are shown that the call has, or that are not zero. The
// instruction pointer is shown where it is not zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "abi/action.h"
#include "abi/arch.h"
#include "abi/arguments.h"
#include "bpf/instruction.h"
#include "verify/outcome.h"

namespace bailey::prove {

std::string CallText(const bpf::SeccompData& data);

// "TIOCSTI" for 0x5412 as ioctl's second argument; empty when nothing is known.
std::string ValueName(abi::Arch arch, std::string_view syscall, const abi::Argument& argument,
                      std::uint64_t value);

// The architecture whose table a call is looked up in; nullopt when no table has this token.
// Numbers with x32's bit, and 512 to 547, are x32's; negative ones are x86_64's.
std::optional<abi::Arch> ArchOfCall(std::uint32_t token, std::uint32_t number);

// "allow", "EPERM", with the errnos of the architecture that the call is for.
std::string OutcomeText(verify::Outcome outcome, std::uint32_t token);

}  // namespace bailey::prove
