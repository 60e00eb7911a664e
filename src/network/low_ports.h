// Ports below 1024 for servers inside.
#pragma once

namespace bailey::network {

// In the sandbox's network namespace and root, whose /proc can still be written to. Where that
// cannot be, servers inside keep to the ports from 1024 on, which is no loss of safety.
void OpenLowPorts();

}  // namespace bailey::network
