// The outer end of a virtual machine's network interface: a TAP in this process's network
// namespace, which a monitor is given as a descriptor.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/address.h"
#include "base/unique_fd.h"
#include "os/errno.h"
#include "os/netlink.h"

namespace bailey::os {

using LinkAddress = std::array<std::uint8_t, 6>;

struct Tap {
  base::UniqueFd fd;  // the interface goes with its last copy
  std::uint32_t index = 0;
};
// EACCES, ENOENT or ENODEV where the host offers none; EPERM without CAP_NET_ADMIN over the
// namespace.
SysResult<Tap> MakeTap(const char* name);

// From here on it goes with its namespace, and not with its last descriptor; who can open
// /dev/net/tun there may take it by its name.
SysStatus KeepTap(const Tap& tap);

// Gives it its link address and no other, brings it up, and makes each of `guest` reachable through
// it and at `guest_link` alone, before anything that is local: nobody is asked who has the address.
Netlink TapBatch(std::uint32_t index, const LinkAddress& own, std::span<const base::Address> guest,
                 const LinkAddress& guest_link);

}  // namespace bailey::os
