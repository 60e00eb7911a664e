// Calls that build or apply a sandbox, and whether anybody looks at what they return.
#pragma once

#include <string_view>
#include <vector>

#include "review/record.h"
#include "review/source_code.h"

namespace bailey::review {

// A call that must not fail unseen.
struct Builder {
  std::string_view name;
  std::string_view lost;  // what is missing when it failed: "the rule is not in the filter"
  Severity effect = Severity::kMedium;
  bool sets_errno = true;  // returns -1 and errno, or the negated errno
  bool is_exact = false;   // fails on purpose where the rule cannot be had as it is written
};

// nullptr: it is none, or another function of that name (a method, one of this file).
const Builder* BuilderOf(const Code& code, const Call& call);

// The builder that a function of this file calls and whose error it returns; nullptr where there is
// none, or it returns nothing.
const Builder* WrappedBuilder(const Code& code, const Call& call);

enum class Fate {
  kDropped,    // a statement of its own
  kVoided,     // thrown away by name
  kNeverRead,  // assigned, and overwritten or left
  kRead,
};
Fate FateOf(const Code& code, const Call& call);

// From behind a call whose result went to `variable` to where the variable takes another value, or
// the function ends.
Range LifeOf(const Code& code, const Call& call, std::string_view variable);

}  // namespace bailey::review
