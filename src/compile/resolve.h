// A policy's system call part as a decision graph: its root looks at the architecture, below that
// at the call number, below that at arguments. policy.h says what it must mean.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "compile/graph.h"
#include "policy/policy.h"

namespace bailey::compile {

enum class Leaves : std::uint8_t {
  kActions,  // what the filter returns
  kRules,    // which rule decides: its index in Syscalls::rules, or kNoRule
};
inline constexpr std::uint32_t kNoRule = 0xffffffff;

// One number of one architecture that a table or a raw rule names.
struct Call {
  abi::Arch arch;
  std::uint32_t number;   // as in seccomp_data.nr
  std::string_view name;  // empty for a raw number that no table names
  NodeId decision;
};

struct Resolved {
  NodeId root{};
  std::vector<Call> calls;            // ordered by architecture, then number
  std::vector<bool> closes_subcalls;  // rules that decide what a multiplexer answers
  std::vector<bool> names_call;       // rules that name a call of some architecture
};

// Errors: architectures of both byte orders; a condition that has no meaning on an architecture
// where its call exists; more than a filter could hold. With `audit`, leaves of kActions hold what
// abi::Notified makes of the answers that policy::IsNotified names.
base::Result<Resolved> Resolve(Graph& graph, const policy::Syscalls& syscalls, Leaves leaves,
                               const policy::Audit* audit = nullptr);

// The architectures without repetition; the one this binary was built for first, if it is there.
std::vector<abi::Arch> Ordered(const std::vector<abi::Arch>& architectures);

}  // namespace bailey::compile
