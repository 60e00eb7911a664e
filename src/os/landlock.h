// Landlock: what a process may do with files below which directories, whatever mounts show it.
//
// Rights and scopes newer than this host's kernel headers are defined here; security/landlock/
// gained them with ABI 2 (5.19, refer), 3 (6.2, truncate), 4 (6.7, TCP), 5 (6.10, device ioctl) and
// 6 (6.12, scopes).
#pragma once

#include <cstdint>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// The kernel's values (include/uapi/linux/landlock.h).
namespace landlock {
inline constexpr std::uint64_t kExecute = 1ull << 0;
inline constexpr std::uint64_t kWriteFile = 1ull << 1;
inline constexpr std::uint64_t kReadFile = 1ull << 2;
inline constexpr std::uint64_t kReadDirectory = 1ull << 3;
inline constexpr std::uint64_t kRefer = 1ull << 13;
inline constexpr std::uint64_t kTruncate = 1ull << 14;
inline constexpr std::uint64_t kDeviceIoctl = 1ull << 15;
// Every right of an ABI.
std::uint64_t AllRights(int abi);
// Of AllRights, those that a file (not a directory) can carry.
inline constexpr std::uint64_t kFileRights =
    kExecute | kWriteFile | kReadFile | kTruncate | kDeviceIoctl;
inline constexpr std::uint64_t kReadRights = kExecute | kReadFile | kReadDirectory;

inline constexpr std::uint64_t kScopeAbstractUnixSocket = 1ull << 0;
inline constexpr std::uint64_t kScopeSignal = 1ull << 1;
}  // namespace landlock

// The version that this kernel offers; ENOSYS or EOPNOTSUPP where there is none.
SysResult<int> LandlockAbi();
SysResult<base::UniqueFd> MakeRuleset(std::uint64_t handled_rights, std::uint64_t scopes);
// `path`: an O_PATH descriptor; `rights` hold for it and everything below.
SysStatus AddRule(int ruleset, int path, std::uint64_t rights);
// Restricts the calling thread for ever; needs no_new_privs.
SysStatus Restrict(int ruleset);

}  // namespace bailey::os
