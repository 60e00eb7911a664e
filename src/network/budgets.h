// How much may still be sent to each destination, over all connections and flows to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "network/wire.h"

namespace bailey::network {

// Why a connection or a flow ends that has nothing left.
inline constexpr std::string_view kNoMore = "no more may be sent there";

class Budgets {
 public:
  // Destinations that are kept; what is sent to others beside them counts as to one.
  static constexpr std::size_t kMost = 65536;

  explicit Budgets(std::optional<std::uint64_t> most) : most_(most) {}
  // Of the host that a message is about, or else its address; null where there is no limit.
  std::shared_ptr<std::uint64_t> Of(const Wire& wire);

 private:
  std::optional<std::uint64_t> most_;
  std::map<std::string, std::shared_ptr<std::uint64_t>, std::less<>> left_;
};

}  // namespace bailey::network
