// Calls that send on a netlink socket what would change a network, and go on whatever they ask for
// (`[audit] network`).
#pragma once

#include <sys/types.h>

#include "bpf/instruction.h"
#include "guest/command.h"

namespace bailey::guest {

// Whether this is one; then its protocol, its messages' types and whether its caller has power over
// networks go to `sent`, and nothing else of it.
bool ReadChanges(const Command& command, const bpf::SeccompData& call, pid_t task, Sent& sent);

}  // namespace bailey::guest
