// The result of `bailey run` as JSON: version 1 of docs/schemas/run.schema.json.
#pragma once

#include <string>

#include "policy/policy.h"
#include "sandbox/launch.h"

namespace bailey::cli {

std::string ReportJson(const policy::Policy& policy, const sandbox::Plan& plan,
                       const sandbox::Outcome& outcome);

}  // namespace bailey::cli
