// Mounts by descriptor (open_tree, fsopen, mount_setattr, move_mount: Linux 5.2 and 5.12). No path
// of the new root is ever handed to the kernel as a string that a symlink could bend.
#pragma once

#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

enum MountFlag : std::uint32_t {
  kReadOnly = 1u << 0,
  kNoSuid = 1u << 1,
  kNoDev = 1u << 2,
  kNoExec = 1u << 3,
};

// A detached copy of the mount at `directory`/`path` with everything below it. `path` may be "" for
// the descriptor itself. A final symlink is not followed. It still takes part in the original's
// propagation, until SetMountFlags.
SysResult<base::UniqueFd> CloneTree(int directory, const char* path);

// Adds flags to a detached or attached tree, and keeps it apart from mounts made elsewhere later
// (private propagation). `recursive`: everything mounted below as well.
SysStatus SetMountFlags(int tree, std::uint32_t flags, bool recursive);
// As SetMountFlags, with the propagation left as it is.
SysStatus AddMountFlags(int tree, std::uint32_t flags, bool recursive);
// Gives a detached tree the id mapping of a user namespace.
SysStatus SetIdMap(int tree, int user_namespace, bool recursive);

struct FilesystemOption {
  const char* key;
  const char* value;  // null for a flag
};
// A new detached file system: "tmpfs", "proc", "devpts".
SysResult<base::UniqueFd> NewFilesystem(const char* type, std::span<const FilesystemOption> options,
                                        std::uint32_t flags);

// A new detached overlay of directories, all given as O_PATH descriptors: `lower` from the topmost
// down, and above them `upper` with `work` beside it; without these (-1) nothing can be changed.
// `descriptors`: /proc/self/fd, opened while it could be seen. Extended attributes are kept as a
// user may keep them (userxattr: Linux 5.11).
SysResult<base::UniqueFd> NewOverlay(int descriptors, std::span<const int> lower, int upper,
                                     int work);

// A new detached overlay of directories. `userxattr`: for one made in a user namespace
// (Linux 5.11), which keeps its marks where that may write.
SysResult<base::UniqueFd> NewKeepingOverlay(int lower, int upper, int work, bool userxattr);

// Attaches a detached tree over what `target` refers to (an O_PATH descriptor).
SysStatus Attach(int tree, int target);

// Makes every mount of this namespace private: nothing done here reaches another namespace.
SysStatus MakeMountsPrivate();
// Makes every mount a slave: what is mounted elsewhere later appears here, and nothing goes back.
SysStatus MakeMountsSlaves();
// Makes `root` (an attached mount) the root and the current directory, and lets go of the old root.
SysStatus EnterRoot(int root);
// Lets go of what is mounted at `directory`/`name`; `directory` is the current one from then on.
SysStatus Detach(int directory, const char* name);

}  // namespace bailey::os
