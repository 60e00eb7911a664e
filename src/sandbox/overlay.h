// The overlays of a root that is being built: their layers are found in the old root, by
// descriptor, and what is to be in memory is where nothing inside can see it.
#pragma once

#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"
#include "sandbox/root.h"

namespace bailey::sandbox {

// Begin before the new root covers anything, Make for each, Finish after the last. Nothing in it
// allocates.
class Overlays {
 public:
  os::SysStatus Begin(std::span<const Step> steps);
  os::SysStatus Begin();
  // A detached tree. `root`: the bottom of the new root, where the memory is put meanwhile.
  os::SysResult<base::UniqueFd> Make(const OverlayMount& overlay, int root);
  os::SysStatus Finish();

 private:
  struct Changes {
    base::UniqueFd upper, work;
  };
  os::SysResult<Changes> MakeChanges(const OverlayMount& overlay, int root);
  os::SysResult<Changes> MakeInMemory(int root);

  base::UniqueFd descriptors_;  // /proc/self/fd
  base::UniqueFd root_;         // where the memory is mounted
  base::UniqueFd memory_;
  unsigned count_ = 0;  // of those in memory
};

}  // namespace bailey::sandbox
