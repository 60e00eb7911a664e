// What every gateway does before it serves: it takes over the sockets made inside, and reads back
// what is in force there.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "network/gateway.h"
#include "network/plan.h"
#include "network/report.h"

namespace bailey::network {

// Waits for what the program's task hands out, in its order. An end of the supervisor or of what is
// inside is the end of all (nullopt).
base::Result<std::optional<std::vector<base::UniqueFd>>> ReceiveHandedOut(
    const GatewaySockets& sockets);

// `routes` and `rules`: netlink sockets made inside. kViolation where something is not as planned.
base::Status ReadBackLinks(int routes, const std::vector<std::string>& wanted);
base::Status ReadBackRules(int rules, const Plan& plan);
// Packets that the rules refuse come in on this socket from now on.
base::Status ListenToRefusals(int log);

// To the supervisor; `text` is cut to what fits.
void Tell(int supervisor, Report::Kind kind, std::string_view text);

}  // namespace bailey::network
