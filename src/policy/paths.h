// Paths as policies write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/layer.h"
#include "policy/load.h"

namespace bailey::policy {

struct Path {
  std::string text;       // absolute, no "." or "..", no double or last slash
  bool optional = false;  // it was written with a "?" at its end
};

enum class PathKind {
  kPlain,     // must exist
  kOptional,  // may end in "?"
  kPattern,   // may have *, ** and ? in it
};

// Errors have no location; `section` and `key` are what they call the place.
base::Result<Path> ResolvePath(std::string_view written, PathKind kind, const Context& context,
                               std::string_view section, std::string_view key);

// The number of "fd:3": a descriptor of the caller, in place of the path of what a bind shows.
std::optional<int> DescriptorIn(std::string_view from);

}  // namespace bailey::policy
