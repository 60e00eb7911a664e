// The smallest change that closes a finding about a filter: computed, applied to a copy, and judged
// like the original.
//
//   if (auto change = Close(subject, finding, {})) Print(change->lines);   // deny = ["chroot"]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

struct Closing {
  std::string lines;               // of a policy file
  std::vector<Evidence> evidence;  // that it closes the hole, and what else it changes
};

// For a policy, lines for its [syscalls]; for a filter, a policy whose filter goes on top of it.
// nullopt when the finding names no guarantee, no such change is known, or it was tried and did not
// close the calls. `recorded`: calls that a program was seen to make; those of them that the change
// would newly deny are named in the evidence.
std::optional<Closing> Close(const Subject& subject, const Finding& finding,
                             const policy::Hot& recorded);

}  // namespace bailey::review
