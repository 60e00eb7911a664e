// The addresses that names have inside: given when a name is first asked for, and kept.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/address.h"
#include "egress/host.h"

namespace bailey::network {

class NameTable {
 public:
  static constexpr std::size_t kMostNames = 4096;

  struct Addresses {
    base::Address v4, v6;
    bool operator==(const Addresses&) const = default;
  };
  struct Given {
    Addresses addresses;
    bool first = false;  // it had none before
  };
  // nullopt when there are as many names as there may be.
  std::optional<Given> Give(const egress::Host& host);
  // The name that has an address; nullptr for an address that was not given.
  const egress::Host* Find(const base::Address& address) const;
  std::size_t Size() const { return names_.size(); }

 private:
  std::map<egress::Host, std::size_t> indices_;
  std::vector<const egress::Host*> names_;  // keys of `indices_`
};

}  // namespace bailey::network
