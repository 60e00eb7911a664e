// The machine's interface, where the host gave it one: set up as the host says, and tried before
// the program starts.
#pragma once

#include "guest/protocol.h"

namespace bailey::guest {

// 0, or an errno. `failed` is what could not be done then.
int SetUpNetwork(const Network& network, const char*& failed);
// What is resolv.conf there, in the root that this process has.
int WriteResolver(const Network& network);

}  // namespace bailey::guest
