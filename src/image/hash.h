// SHA-256 of what is kept, so that what is used is what was built.
#pragma once

#include <string>

#include "base/result.h"

namespace bailey::image {

// 64 hexadecimal digits. Of a file all of it is read, from its beginning.
base::Result<std::string> HashFile(int fd);

}  // namespace bailey::image
