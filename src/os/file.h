// Files by descriptor: opened by rules that a symlink cannot bend, read and written whole.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// openat(2); O_CLOEXEC is always added.
SysResult<base::UniqueFd> Open(int directory, const char* path, int flags, unsigned mode = 0);

// openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: `root` is "/" and the top of "..",
// absolute symlinks included.
SysResult<base::UniqueFd> OpenInRoot(int root, const char* path, int flags, unsigned mode = 0);

// openat2(2) with RESOLVE_NO_SYMLINKS: ELOOP where any part of the path is a symlink.
SysResult<base::UniqueFd> OpenWithoutLinks(int directory, const char* path, int flags,
                                           unsigned mode = 0);

// /proc, checked to be a proc file system: ENODEV where something else is mounted there.
SysResult<base::UniqueFd> OpenProc();

SysResult<struct stat> Stat(int directory, const char* path, bool follow);
SysResult<struct stat> StatFd(int fd);
// Of the mount that a path leads to, magic links of /proc included (statx(2): Linux 5.8).
SysResult<std::uint64_t> MountIdOf(int directory, const char* path);

SysStatus MakeDirectory(int directory, const char* name, unsigned mode);
SysStatus MakeFile(int directory, const char* name, unsigned mode);
SysStatus MakeSymlink(const char* target, int directory, const char* name);
SysStatus RemoveDirectory(int directory, const char* name);
SysStatus Rename(const char* from, const char* to);
SysStatus RemoveFile(int directory, const char* name);
// Of what an O_PATH descriptor refers to. `proc`: a directory descriptor of a proc file system.
SysStatus ChangeModeOf(int proc, int fd, unsigned mode);
// Whether the caller's real ids may write to what a descriptor refers to (access(2)): EACCES,
// EROFS.
SysStatus CheckWritable(int fd);
// Reads one to its end, and writes that to the other.
SysStatus CopyData(int from, int to);
// To its end; EFBIG when it does not fit.
SysResult<std::size_t> ReadInto(int from, std::span<std::uint8_t> buffer);
// One read(2), interrupted or not; 0 at the end.
SysResult<std::size_t> ReadSome(int from, std::span<std::uint8_t> buffer);
SysStatus ChangeMode(int directory, const char* name, unsigned mode);
SysStatus ChangeMode(int fd, unsigned mode);

// One write(2), which must take everything: for /proc files and small messages.
SysStatus WriteAll(int fd, std::string_view text);
// The same at the file's beginning.
SysStatus RewriteAll(int fd, std::string_view text);
SysStatus WriteFile(int directory, const char* path, std::string_view text);
// The whole file, at most `limit` bytes (EFBIG beyond). Allocates: not for use after fork.
SysResult<std::string> ReadFile(int directory, const char* path, std::size_t limit);
// All that is left to be read from a descriptor, at most `limit` bytes (EFBIG). Allocates.
SysResult<std::string> ReadAll(int fd, std::size_t limit);
// The target of a symlink; how long it is. ENAMETOOLONG when it does not fit.
SysResult<std::size_t> ReadLinkInto(int directory, const char* path, std::span<char> buffer);
// The same. Allocates.
SysResult<std::string> ReadLink(int directory, const char* path);

SysResult<std::array<base::UniqueFd, 2>> MakePipe();  // to read from, to write to
SysResult<base::UniqueFd> Copy(int fd);
SysStatus SetNonBlocking(int fd);
SysStatus SetBlocking(int fd);
// A pipe(2), not a FIFO with a name.
bool IsAnonymousPipe(int fd);
SysStatus ChangeOwner(int fd, std::uint32_t uid);
SysStatus ChangeOwner(int fd, std::uint32_t uid, std::uint32_t gid);

// Whether names can be made in a directory. EACCES where its mode forbids it, EROFS where its file
// system does.
SysStatus CanMakeNames(const char* directory);

// The whole disk that a file system with this st_dev lies on, as "254:0"; empty where there is
// none. Allocates.
SysResult<std::string> BlockDevice(std::uint64_t st_dev);

enum class Lock : std::uint8_t { kShared, kExclusive };
// flock(2): held by the open file, and so by its copies in children. False, without waiting, where
// somebody else holds it in the way.
SysResult<bool> TryLock(int fd, Lock kind);
SysStatus WaitForLock(int fd, Lock kind);
enum class EntryType { kUnknown, kDirectory, kOther };  // unknown to the file system, where it is
// What is in a directory opened for reading, but "." and "..", in no order.
SysStatus ForEachEntry(int directory,
                       const std::function<void(const char* name, EntryType type)>& visit);
// The names in a directory but "." and "..", sorted. Allocates.
SysResult<std::vector<std::string>> Names(int directory);

// A memfd with these bytes that nobody can change any more (sealed: write, shrink, grow, seal).
SysResult<base::UniqueFd> SealedMemfd(const char* name, std::span<const std::uint8_t> bytes);

}  // namespace bailey::os
