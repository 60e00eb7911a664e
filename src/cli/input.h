// Files that commands read.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace bailey::cli {

// The first `limit` bytes of a file; "-" is standard input.
base::Result<std::string> ReadInput(const std::string& path, std::size_t limit);

}  // namespace bailey::cli
