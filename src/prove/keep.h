// What a policy promises under [guarantees] keep, proved of its filter.
//
//   if (auto kept = prove::Keep(policy, *program); !kept) return kept.error();
#pragma once

#include <string_view>

#include "base/result.h"
#include "bpf/program.h"
#include "policy/policy.h"
#include "prove/prover.h"

namespace bailey::prove {

// The first promise that does not hold: kViolation with the call that shows it; kUnsupported where
// it is undecided; kInvalidInput for a name that is no guarantee's. Each with the promise's place.
base::Status Keep(const policy::Policy& policy, const bpf::Program& program);

// Validate (validate.h) and then Keep, which together look at the filter once: what is asked before
// a program starts.
base::Status ValidateAndKeep(const policy::Policy& policy, const bpf::Program& program);

// "find guarantee "no-keyrings": there is none, did you mean "no-keyring"?"
base::Error NoSuchGuarantee(std::string_view name, const base::Location& location);

}  // namespace bailey::prove
