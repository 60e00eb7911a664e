// Patterns of paths: "**" spans directories, "*" and "?" stay within a name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::sandbox {

bool HasWildcard(std::string_view path);
bool Matches(std::string_view pattern, std::string_view path);

// Existing paths below `roots` that match `pattern` (absolute), the outermost where a directory
// does. Symlinks are not followed, and what may not be read is left out. More than `limit` entries
// looked at is an error.
base::Result<std::vector<std::string>> FindMatches(std::string_view pattern,
                                                   const std::vector<std::string>& roots,
                                                   std::size_t limit);

}  // namespace bailey::sandbox
