// The result of `bailey run`, for programs and for people.
#pragma once

#include <optional>
#include <string>

#include "cli/run_audit.h"
#include "policy/policy.h"
#include "sandbox/launch.h"

namespace bailey::cli {

// Lines about an end that the program's own status does not tell; mostly none.
std::string WhatHappened(const sandbox::Plan& plan, const sandbox::Outcome& outcome);
// What the network's gateway refused, and the option that would allow it.
std::string WhatWasRefused(const network::Refusals& refusals);
// Version 1 of docs/schemas/run.schema.json. `audit`: none where nothing is audited.
std::string ReportJson(const policy::Policy& policy, const sandbox::Plan& plan,
                       const sandbox::Outcome& outcome, const std::optional<AuditReport>& audit,
                       const network::Refusals& refusals, const std::string& isolation = "process");

// "exited", "signalled", "time-limit"...
const char* OutcomeName(sandbox::Outcome::Kind kind);

}  // namespace bailey::cli
