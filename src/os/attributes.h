// The attributes of a netlink message where it lies, one after the other: nothing is allocated.
//
//   AttributeReader reader(message, kHeaderSize);
//   while (const auto attribute = reader.Next()) ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "os/netlink.h"

namespace bailey::os {

// Behind a message's header of `skip` bytes, or in a nest's value (skip 0).
class AttributeReader {
 public:
  explicit AttributeReader(Bytes bytes, std::size_t skip = 0);
  // nullopt behind the last, and where there is no whole one.
  std::optional<Attribute> Next();

 private:
  Bytes rest_;
};
// The value of the first one of that type there; empty when there is none.
Bytes FindIn(Bytes bytes, std::uint16_t type, std::size_t skip = 0);

}  // namespace bailey::os
