// `[audit] network`: what a program tries to change of its network by netlink.
//
// Calls that send on a socket are handed to the supervisor, which looks whether the socket is one
// of netlink, reads the heads of the messages, notes those that would change something, and lets
// the call go on: the kernel refuses them to whoever has no power over the network, and nothing
// rests on what was read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/decode.h"
#include "audit/event.h"
#include "bpf/instruction.h"

namespace bailey::sandbox {

// An event where this call asks for a change.
std::optional<audit::Event> NoteNetworkChange(const bpf::SeccompData& call, std::int32_t task,
                                              const audit::Memory& memory);

// What is noted of it. Whoever has no power over networks is denied it by the kernel; of who has
// (CAP_NET_ADMIN), perhaps over a namespace of its own, it is only seen.
audit::Event NetworkChange(const bpf::SeccompData& call, const std::vector<std::string>& changes,
                           bool has_power);

}  // namespace bailey::sandbox
