// What a condition says of a result: for each value that a call can return, is the branch taken?
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "review/source_code.h"

namespace bailey::review {

struct KnownValue {
  std::string_view name;
  std::int64_t value;
};

// Absent: it depends on something else, or is more than comparisons, !, && and ||. Names of errno
// and plain numbers are known; so are those of `known`.
std::optional<bool> Holds(const Code& code, Range condition, std::span<const KnownValue> known);

// The number of an errno's name, of those that building and applying a sandbox can return.
std::optional<std::int64_t> ErrnoOf(std::string_view name);

// What the C of libraries returns for an error: its negated errno, and also plain -1.
std::span<const std::int64_t> SampleErrors();

}  // namespace bailey::review
