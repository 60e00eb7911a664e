#include "network/ground.h"

#include <array>
#include <utility>

#include "network/relays.h"

namespace bailey::network {
namespace {

// Pages of it that are never read into are never made.
constinit std::array<std::uint8_t, Relays::kLargestRead> scratch = {};

}  // namespace

os::SysResult<Ground> MakeGround() {
  auto poller = os::Poller::Make();
  if (!poller) return std::unexpected(poller.error());
  return Ground{*std::move(poller), scratch};
}

}  // namespace bailey::network
