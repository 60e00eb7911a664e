// Paths of a host that lead out of a sandbox when they are shown in it, as data.
//
//   for (const WayOut& way : WaysOut())
//     for (const std::string& path : PathsOf(way, confinement)) ...     // "/run/user/*/bus"
//
// A "*" stands for a name that only the host knows, as in "/home/*".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "review/confinement.h"

namespace bailey::review {

enum class WayKind : std::uint8_t {
  kSocket,  // connecting is enough, and works through read-only mounts
  kRead,
  kWrite,
  kDevice,  // opens where devices do (no nodev)
};

struct WayOut {
  std::string_view rule;   // ways of one rule through one mount are one finding
  std::string_view path;   // "~" stands for a home directory
  std::string_view opens;  // what it leads to
  WayKind kind = WayKind::kRead;
  Severity effect = Severity::kHigh;
  bool needs_root = false;  // id 0 of the host
};

std::span<const WayOut> WaysOut();
// With "~" replaced by every home directory that there may be.
std::vector<std::string> PathsOf(const WayOut& way, const Confinement& confinement);
// "/run/user/1000/bus" is what "/run/user/*/bus" stands for.
bool StandsFor(std::string_view pattern, std::string_view path);

}  // namespace bailey::review
