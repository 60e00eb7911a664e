// Files below open directories, compared, copied and removed without following a symlink.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS.
SysResult<base::UniqueFd> OpenBeneath(int directory, const char* path, int flags);

// Whether the regular files `name` in two directories have the same bytes.
SysResult<bool> HaveSameBytes(int one, int other, const char* name);
SysStatus CopyBytes(int from, int to);
SysStatus RenameAt(int from, const char* name, int to, const char* new_name);
// A file, or a directory with everything in it, also where its modes are closed to its owner.
SysStatus RemoveTree(int directory, const std::string& name);

// What an overlay's upper layer says of its own: a name that is gone (mknod(2), which a user may
// use for this one since Linux 5.8), and a directory that hides what lies below it.
SysStatus MakeWhiteout(int directory, const char* name);
SysStatus SetOpaque(int directory);

// EOPNOTSUPP where the file system keeps no extended attributes of users (tmpfs before Linux 6.6),
// without which an overlay cannot remove a directory.
SysStatus TryUserAttribute(int file);
// Whether a directory of an overlay's upper layer hides what lies below it.
bool IsOpaque(int directory);

}  // namespace bailey::os
