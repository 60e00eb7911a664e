// What programs of an image are likely to need, read into memory before there is a copy of this
// machine: copies share these pages, and find them there.
#pragma once

#include <cstdint>

namespace bailey::guest {

// Reads programs and libraries of the root's drive, which is mounted, `most` bytes of them at most.
// What cannot be read is left for who needs it.
void Preload(std::uint64_t most);

}  // namespace bailey::guest
