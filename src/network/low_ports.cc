#include "network/low_ports.h"

#include <fcntl.h>

#include "os/file.h"

namespace bailey::network {

void OpenLowPorts() {
  (void)os::WriteFile(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

}  // namespace bailey::network
