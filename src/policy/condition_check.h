// Whether a condition means something for a call on every architecture in play.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/layer.h"

namespace bailey::policy {

// Refuses names of arguments that there are not, pointers, unknown constants, and values that do
// not fit the argument. Architectures that do not have the call directly are passed over; a rule
// for a number (without a name) may test registers only. `where` is the list: "[syscalls] deny".
std::optional<base::Error> CheckCondition(const Layer& layer, std::string_view where,
                                          const CallEntry& entry, std::span<const abi::Arch> archs);

}  // namespace bailey::policy
