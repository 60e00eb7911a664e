// What a subject was before: a file, or the same file in a revision of its git tree.
#pragma once

#include <string>

#include "base/result.h"

namespace bailey::cli {

// The text of `path` in revision `revision` of the git tree that it is in.
base::Result<std::string> TextAt(const std::string& revision, const std::string& path);

}  // namespace bailey::cli
