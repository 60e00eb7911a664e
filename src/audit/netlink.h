// What a program asks the kernel to change of a network, in the messages that it sends on a netlink
// socket: routes, links, addresses, rules, nf_tables.
//
//   auto send = audit::SendOf(call, memory);                 // which socket, and where it lies
//   if (send) changes = audit::NetlinkChanges(*send, audit::kNetlinkRoute, memory);
//   // {"RTM_NEWROUTE"}
//
// Nothing may be decided by it (audit/netlink_heads.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audit/decode.h"
#include "audit/netlink_heads.h"
#include "bpf/instruction.h"

namespace bailey::audit {

// With what a multiplexer's memory said worked in. nullopt for a call that sends nothing.
std::optional<Send> SendOf(const bpf::SeccompData& call, const Memory& memory);

// By a protocol of AF_NETLINK: of NETLINK_ROUTE all but what only asks, of NETLINK_SOCK_DIAG what
// closes other sockets, of NETLINK_NETFILTER and NETLINK_XFRM everything, as the kernel lets nobody
// without CAP_NET_ADMIN say anything there. Each of a kind once, in their order: "RTM_NEWROUTE",
// "SOCK_DESTROY", "NETLINK_XFRM 0x10"; last "more than is read". Of other protocols nothing.
std::vector<std::string> NetlinkChanges(const Send& send, int protocol, const Memory& memory);
std::vector<std::string> NetlinkTexts(int protocol, const NetlinkTypes& types);

// A call that goes on and asks for these changes, for people.
Call DecodeChanges(const bpf::SeccompData& call, const std::vector<std::string>& changes);

}  // namespace bailey::audit
