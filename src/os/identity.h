// Who a process is: ids and their maps, groups, capabilities, keyring, no_new_privs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

struct Caller {
  uid_t uid = 0, euid = 0;
  gid_t gid = 0, egid = 0;
  std::vector<gid_t> groups;
  std::uint64_t effective_capabilities = 0;
  bool owns_host =
      false;  // in the initial user namespace, where capabilities reach the host's mounts
  bool secure_execution = false;  // started setuid, setgid or with file capabilities (AT_SECURE)
};
// Allocates.
SysResult<Caller> CurrentCaller();
// Without what has to be looked for: its groups, and whether it owns the host.
SysResult<Caller> CallerIds();

// One range of an id map, as /proc/PID/uid_map has it.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 1;
  bool operator==(const IdRange&) const = default;
};
// Writes /proc/<pid>/setgroups ("deny", when asked), gid_map and uid_map below `proc`, a directory
// descriptor of a proc file system. Without privilege only one range of one's own id is accepted,
// and only after setgroups is denied (user_namespaces(7)).
SysStatus WriteIdMaps(int proc, pid_t pid, const IdRange& uids, const IdRange& gids,
                      bool deny_setgroups);

// The same for the calling process, in a user namespace that it has just made: it may map one id,
// its own. `proc`: opened before a new root covers it.
SysStatus WriteOwnIdMaps(int proc, const IdRange& uids, const IdRange& gids, bool deny_setgroups);

// A user namespace with these maps and nobody in it: what an id-mapped mount refers to.
// Needs CAP_SETUID and CAP_SETGID; allocates.
SysResult<base::UniqueFd> MakeUserNamespace(const std::vector<IdRange>& uids,
                                            const std::vector<IdRange>& gids);

SysStatus DropGroups();
// Real, effective and saved.
SysStatus BecomeIds(uid_t uid, gid_t gid);

// Leaves the process, and every program it executes, with at most this set (a bit a capability) in
// the bounding set; a call for each of the others, and the rights stay that the process has.
SysStatus LowerBound(std::uint64_t set);
// Then, with exactly this set in the permitted, effective, inheritable and ambient sets.
SysStatus KeepCapabilities(std::uint64_t set);
// Leaves the process with none. Unlike KeepCapabilities it needs none: the bounding set stays, from
// which only a program with set-user-id bits or file capabilities gains, and not with no_new_privs.
SysStatus DropCapabilities();
// The parts of that, one by one, for a program that may keep what its caller has.
SysResult<std::uint64_t> PermittedCapabilities();
// At most `set` is left in the bounding set. A caller without CAP_SETPCAP may not, and all stays.
SysStatus BoundCapabilities(std::uint64_t set);
SysStatus SetCapabilities(std::uint64_t permitted, std::uint64_t inheritable);
// Those that are permitted and inheritable become ambient; the others are passed over.
SysStatus RaiseAmbient(std::uint64_t set);
SysStatus SetNoNewPrivileges();
// A new, empty session keyring; a kernel without keyrings has none to leak (ENOSYS is success).
SysStatus JoinNewSessionKeyring();

}  // namespace bailey::os
