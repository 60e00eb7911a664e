// Who may have a prepared sandbox: a process of the same user that sees what the pool sees, so that
// it gets no more than it could start itself.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>

#include "base/result.h"

namespace bailey::pool {

// This process, as callers are compared with it.
class Self {
 public:
  static base::Result<Self> Look();

  // Looks at the process at the other end. kViolation for another user's, and for one in a sandbox:
  // in another user, mount or network namespace, below another root, or under more filters.
  base::Status CheckPeer(int connection) const;

 private:
  struct Place {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Place&) const = default;
  };
  static constexpr std::array<const char*, 4> kPlaces = {"ns/user", "ns/mnt", "ns/net", "root"};
  static base::Result<std::array<Place, kPlaces.size()>> PlacesOf(int process);
  base::Status Compare(int process) const;

  std::array<Place, kPlaces.size()> places_;
  std::uint64_t filters_ = 0;
};

}  // namespace bailey::pool
