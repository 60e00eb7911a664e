// Names as people write them, taken apart.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bailey::review {

inline bool IsAny(std::string_view text, std::span<const std::string_view> names) {
  return std::ranges::find(names, text) != names.end();
}

// The words of a name, in lower case: "applySeccomp_filter" is apply, seccomp, filter.
std::vector<std::string> WordsOf(std::string_view name);
// Whether one of its words is one of these.
bool HasWord(std::string_view name, std::span<const std::string_view> words);
std::string Lower(std::string_view text);

}  // namespace bailey::review
