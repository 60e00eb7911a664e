// What a guest has written to the drive for changes, unpacked into the directories where changes
// are kept (sandbox/kept.h). The tar is the guest's word: every name is looked up below an open
// directory without following a symlink, nothing is made twice, and no length is believed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::microvm {

struct ChangedMount {
  std::size_t mount = 0;               // its number, which its entries begin with
  base::UniqueFd upper;                // an empty directory
  std::uint32_t owner = 0, group = 0;  // whom everything belongs to, where root unpacks
  std::vector<std::string> hidden;     // below it: what the guest says of these is passed over
  // Names that are gone, where the file system has no mark for such.
  std::vector<std::string> deleted;
};

// `bytes`: how much of the drive is tar, as the guest says.
base::Status Unpack(int drive, std::uint64_t bytes, std::vector<ChangedMount>& mounts);

}  // namespace bailey::microvm
