// What was denied in a sandbox, for people and for programs: what, how often, by which rule, what
// line of a policy would allow it, and which promises that line would break.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "sandbox/listener.h"

namespace bailey::cli {

struct DeniedCall {
  std::uint64_t count = 0;
  std::string call;    // "socket(family=AF_VSOCK)"
  std::string answer;  // "EPERM"
  audit::Rule rule;
  std::string allow;                // an entry of [syscalls] allow; empty where none would help
  std::vector<std::string> breaks;  // guarantees of the policy that do not hold with that entry
  std::vector<std::string> unsure;  // guarantees of which that is undecided
  bool is_probe = false;            // a call that programs try and go on without
};

// Most frequent first. Every entry of `allow` is put above the policy, compiled, and the policy's
// guarantees are proved of the result: a warning is no guess. Of more than `most` rows, the others
// are left out.
std::vector<DeniedCall> ExplainDenials(const policy::Policy& policy,
                                       std::span<const sandbox::HeardCall> heard, std::size_t most);

// Whether [audit] probes names it. Not one row of many that differ: it may stand for any.
bool IsProbe(const policy::Policy& policy, const sandbox::HeardCall& heard);

// The table that `bailey run` ends with; empty without a row. `kinds`: of calls, shown or not.
std::string DenialTable(const policy::Policy& policy, std::span<const DeniedCall> denials,
                        std::size_t kinds);

nlohmann::ordered_json DenialsJson(std::span<const DeniedCall> denials);

// Whether the call was not made.
bool IsDenial(const sandbox::HeardCall& heard);
audit::Total TotalOf(const sandbox::HeardCall& heard);

// Which rule decides a call, as events have it.
audit::Rule RuleOf(const policy::Syscalls& syscalls, const bpf::SeccompData& data);

}  // namespace bailey::cli
