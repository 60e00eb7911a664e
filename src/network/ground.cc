#include "network/ground.h"

#include <utility>

#include "network/relays.h"

namespace bailey::network {

os::SysResult<Ground> MakeGround() {
  auto poller = os::Poller::Make();
  if (!poller) return std::unexpected(poller.error());
  // Pages of it that are never read into are never made.
  return Ground{*std::move(poller),
                std::make_unique_for_overwrite<std::uint8_t[]>(Relays::kLargestRead)};
}

}  // namespace bailey::network
