// The caller's own systemd, which hands control groups to unprivileged users:
// org.freedesktop.systemd1 on the user's bus (org.freedesktop.systemd1(5), StartTransientUnit).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace bailey::scope {

// Starts a scope of this name ("bailey-4711.scope") with one process in it. Its control group is
// the caller's (Delegate=), and goes when the last process has ended. What the answer says is that
// this is on its way.
base::Status StartScope(const std::string& name, pid_t process);

}  // namespace bailey::scope
