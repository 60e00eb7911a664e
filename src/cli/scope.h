// A launch whose limits need a control group that its caller may not make: users on a host with
// systemd get one from it.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"

namespace bailey::cli {

// Whether there is a bus on which a systemd could be.
bool CanAskForScope();

// Where that is so, this process goes on as `bailey run` again in a scope of its own, and this does
// not return. Where there is no systemd to ask, or it refused (then that was said), it does.
void MoveToScope(const policy::Limits& limits, const std::vector<std::string>& without,
                 char** argv);

}  // namespace bailey::cli
