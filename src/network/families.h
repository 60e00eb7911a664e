// A network of IPv4 alone, on a host that has no IPv6.
#pragma once

#include "network/plan.h"

namespace bailey::network {

// As MakePlan, without the addresses, routes, rules, sets and sockets of IPv6.
Plan MakePlanOfIpv4(const policy::Network& policy, RangeSets range_sets = RangeSets::kNeeded);
bool HasIpv6(const Plan& plan);

}  // namespace bailey::network
