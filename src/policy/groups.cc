#include "policy/groups.h"

#include <algorithm>

namespace bailey::policy {
namespace {

#include "policy/groups.inc"

}  // namespace

const Group* FindGroup(std::string_view name) {
  const auto* const found = std::ranges::lower_bound(kGroups, name, {}, &Group::name);
  return found != std::end(kGroups) && found->name == name ? found : nullptr;
}

std::span<const Group> Groups() { return kGroups; }

std::span<const std::string_view> GroupNames() { return kGroupNames; }

}  // namespace bailey::policy
