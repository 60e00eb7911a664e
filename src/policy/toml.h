// TOML text to Document. The only user of the TOML library.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "policy/document.h"

namespace bailey::policy {

// Errors have the place and the line. Text that is not UTF-8, has control characters, or nests
// deeper than any policy does is refused before the library sees it.
base::Result<std::unique_ptr<Document>> ParseToml(std::string text, std::string file);

}  // namespace bailey::policy
