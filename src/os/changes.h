// Hearing of changes of the host's tree, instead of looking again (inotify(7), and poll(2) of
// mountinfo, proc(5)).
#pragma once

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

class Changes {
 public:
  // EMFILE where the user has as many as it may (fs.inotify.max_user_instances).
  static SysResult<Changes> Make();

  // From now on hears of names that come, go or change in a directory, and of the directory's own
  // end. EOPNOTSUPP where changes can be made behind this kernel's back (a network's file system)
  // or by the kernel itself (/proc).
  SysStatus Add(const char* directory);
  // Readable when something has been heard of a directory.
  int Descriptor() const { return directories_.Get(); }
  // False when something has changed since the last Forget, or since Make, or nobody can tell. A
  // changed mount is told of once.
  bool IsQuiet() const;
  SysStatus Forget();

 private:
  Changes(base::UniqueFd directories, base::UniqueFd mounts)
      : directories_(std::move(directories)), mounts_(std::move(mounts)) {}
  base::UniqueFd directories_, mounts_;
};

}  // namespace bailey::os
