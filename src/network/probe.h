// Whether the inside of a network does as its plan says, tried from inside before the program
// starts. Nothing of it leaves the host.
#pragma once

#include <string_view>
#include <vector>

#include "base/address.h"
#include "network/plan.h"
#include "os/errno.h"

namespace bailey::network {

// A name that nothing allows: its domain is our own.
inline constexpr std::string_view kRefusedProbeName = "refused.bailey";

// Addresses that the rules must refuse at once: of IPv4, by UDP, and of IPv6 where there is any.
std::vector<base::Endpoint> RefusedProbes(const Plan& plan);
bool ProbesIpv6(const std::vector<base::Endpoint>& refused);

// Where somebody else routes, addresses alone: of each, TCP and UDP must be refused at once. Waits
// for the way out, which comes beside. As Probe.
os::SysStatus ProbeRouted(const std::vector<base::Endpoint>& refused, unsigned& failed);

// Allocates nothing. The number of the first probe that did not go as predicted, in `failed`; its
// errno, EPROTO where an answer was another one.
os::SysStatus Probe(const std::vector<base::Endpoint>& refused, unsigned& failed);
std::string_view ProbeName(unsigned index);

}  // namespace bailey::network
