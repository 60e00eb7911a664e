// The line to the host while a program runs: what it reads and writes, signals, and its end.
#pragma once

#include "guest/protocol.h"

namespace bailey::guest {

// From Welcome to the end of the line; the caller switches the machine off then.
void Serve(int line);

}  // namespace bailey::guest
