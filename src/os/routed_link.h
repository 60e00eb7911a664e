// A link of a network namespace of our own through which somebody else routes: found by its name,
// given addresses and default routes, and asked whether anybody answers at its other end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "os/links.h"

namespace bailey::os {

// An address of the link, and the one that everything of its family is sent to.
struct RoutedAddress {
  base::Address own, gateway;
  bool operator==(const RoutedAddress&) const = default;
};

// Its number; nullopt where there is no link of that name.
SysResult<std::optional<int>> FindLink(int route_socket, std::string_view name);

// The link has these addresses (each alone: /32, /128), with IPv6 fe80::1, and no others, and is
// up. `mtu`: of it.
SysStatus SetUpLink(int route_socket, int link, std::uint32_t mtu,
                    const std::vector<RoutedAddress>& addresses);
// The lines that DescribeLinks finds of it then.
std::vector<std::string> RoutedLines(int link, const std::vector<RoutedAddress>& addresses);

// Has the kernel ask who has this address on the link (ARP, neighbour discovery).
SysStatus AskForNeighbour(int route_socket, int link, const base::Address& address);
// Whether somebody has said so.
SysResult<bool> HasNeighbour(int route_socket, int link, const base::Address& address);

// Whether packets of a family have a way out of the network namespace that the socket is of.
SysResult<bool> HasDefaultRoute(int route_socket, bool v6);

}  // namespace bailey::os
