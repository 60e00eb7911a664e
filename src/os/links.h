// Addresses and routes of the loopback interface of a network namespace of our own.
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "os/netlink.h"

namespace bailey::os {

// Brings lo up, gives it these addresses (each alone: /32, /128), and makes every destination of
// their families a local one whose packets have the address as their source.
Netlink LoopbackBatch(const std::vector<base::Address>& addresses);

// One more address of lo, by which nothing is routed.
Netlink LoopbackAddress(const base::Address& address);

// What a network namespace has, as lines that compare: "address 127.0.0.1/8 on 1", "route local
// 0.0.0.0/0 on 1 from 198.18.0.1". Links that are up other than lo: "link 7 is up". What the kernel
// gives by itself is left out: ::1, where there is IPv6, and the routes that come with an address.
SysResult<std::vector<std::string>> DescribeLinks(int route_socket);
// The same lines, as they must be after LoopbackBatch.
std::vector<std::string> LoopbackLines(const std::vector<base::Address>& addresses);

}  // namespace bailey::os
