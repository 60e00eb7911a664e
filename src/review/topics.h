// What it means when a guarantee about a filter does not hold: the weights from which the board's
// severity starts, and what an attacker needs beside the open call. Data; the guarantees are
// prove's.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "review/record.h"

namespace bailey::review {

// What a program must hold before the kernel lets an open call do anything.
enum class Need : std::uint8_t {
  kNothing,
  kOwnCapability,   // a capability in its own user namespace is enough
  kHostCapability,  // one in the host's
};

// Another layer that may stand before the same harm.
enum class Layer : std::uint8_t { kNone, kNewSession, kPidNamespace, kNetworkNamespace };

struct Topic {
  std::string_view guarantee;  // whose name is the rule's, "filter/no-mount"
  std::string_view open;       // what is so where it does not hold: the key of the finding
  std::string_view impact;     // what an attacker has of it
  Severity effect = Severity::kLow;
  Need need = Need::kNothing;
  int capability = -1;  // of the need
  Layer layer = Layer::kNone;
  std::string_view covered_by;  // another topic's guarantee: where that is open too, it says all
};

// Every guarantee of the catalogue is in one of the two.
std::span<const Topic> Topics();
// Guarantees that a sandbox may or may not ask for: without them nothing is wrong.
std::span<const std::string_view> OptionalGuarantees();

const Topic* FindTopic(std::string_view guarantee);

// "CAP_SYS_ADMIN"; empty for a number without a name.
std::string_view CapabilityName(int capability);

}  // namespace bailey::review
