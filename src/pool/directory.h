// Where pools are found: a directory that only its user can look into.
// $XDG_RUNTIME_DIR/bailey/pool; for root without one, /run/bailey/pool.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace bailey::pool {

// Of sandboxes, and of virtual machines, beside each other.
inline constexpr const char* kSandboxes = "pool";
inline constexpr const char* kMachines = "vm-pool";

struct Directory {
  std::string path;
  base::UniqueFd descriptor;
};

// kUnsupported where there is no place for one; a directory that somebody else owns, or can write
// to, is an error. `make`: what is missing is made, else it is a SystemError with ENOENT.
base::Result<Directory> OpenDirectory(bool make, const char* kind = kSandboxes);

// The same for a socket's path, as `bailey pool start` prints it: its directory, and its name
// there.
struct Place {
  base::UniqueFd directory;
  std::string name;
};
base::Result<Place> OpenPlace(const std::string& path);

}  // namespace bailey::pool
