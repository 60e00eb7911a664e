#include "network/budgets.h"

namespace bailey::network {

std::shared_ptr<std::uint64_t> Budgets::Of(const Wire& wire) {
  if (!most_) return nullptr;
  const auto address = wire.address.Get();
  std::string key(wire.Text());
  if (key.empty() && address) key = base::ToString(*address);
  if (left_.size() >= kMost && !left_.contains(key)) key.clear();
  auto& left = left_[key];
  if (!left) left = std::make_shared<std::uint64_t>(*most_);
  return left;
}

}  // namespace bailey::network
