// The process beside a sandbox that pasta routes for: it starts pasta, sets the link up, holds what
// is in force to the plan, and tells what the rules refuse. Nothing of the program's goes through
// it.
#pragma once

#include "base/result.h"
#include "network/gateway.h"
#include "network/plan.h"

namespace bailey::network {

// Serves until the supervisor's end of the socket is closed; then pasta is gone too.
base::Status ServeNat(const Plan& plan, GatewaySockets& sockets);

}  // namespace bailey::network
