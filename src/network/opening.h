// What the rules inside and the decider share while a sandbox runs: names that become reachable,
// and packets that were refused.
#pragma once

#include <string>
#include <vector>

#include "egress/decide.h"
#include "network/decision.h"
#include "network/names.h"
#include "network/packet.h"

namespace bailey::network {

// Puts the addresses of a name into the kernel's sets, before anybody is told them. `netfilter`: a
// socket made inside.
bool OpenName(int netfilter, const std::string& table, const NameTable::Addresses& addresses,
              const std::vector<egress::PortSet>& ports, bool ipv6);

// What is said of a packet that the rules refused. `name`: that its address was given to, or null.
Decision AboutPacket(const Packet& packet, const egress::Host* name, const egress::Egress& egress);

}  // namespace bailey::network
