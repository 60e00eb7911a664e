// The same of the machine's interface with IPv6, which the kernel is told over netlink: nobody is
// asked whether somebody else has the address, or where the gateway is.
#pragma once

#include "guest/protocol.h"

namespace bailey::guest {

// 0, or an errno.
int ConfigureIpv6(const Network& network, int interface);

}  // namespace bailey::guest
