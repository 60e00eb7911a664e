#include "os/changes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/file.h"

namespace bailey::os {
namespace {

// File systems whose every change goes through this kernel's names. Not in linux/magic.h: XFS, ZFS.
constexpr std::array<long, 10> kLocal = {
    EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC,     0x58465342,     TMPFS_MAGIC,          RAMFS_MAGIC,
    F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, SQUASHFS_MAGIC, EROFS_SUPER_MAGIC_V1, 0x2fc12fc1};

constexpr std::uint32_t kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB |
                                  IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

SysResult<Changes> Changes::Make() {
  base::UniqueFd directories(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!directories.IsOpen()) return LastErrno();
  auto mounts = Open(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY);
  if (!mounts) return std::unexpected(mounts.error());
  return Changes(std::move(directories), *std::move(mounts));
}

SysStatus Changes::Add(const char* directory) {
  struct statfs found = {};
  if (::statfs(directory, &found) == 0) {
    if (std::ranges::find(kLocal, static_cast<long>(found.f_type)) == kLocal.end())
      return Fail(EOPNOTSUPP);
    if (::inotify_add_watch(directories_.Get(), directory, kEvents) >= 0) return {};
  }
  // It is none, or lets nobody look up a name: until that changes, which is heard in the directory
  // that it is in, nothing in it can. inotify itself wants a directory that can be read.
  const bool is_shut = errno == EACCES && ::faccessat(AT_FDCWD, directory, X_OK, AT_EACCESS) != 0;
  if (errno == ENOTDIR || errno == ENOENT || is_shut) return {};
  return LastErrno();
}

bool Changes::IsQuiet() const {
  std::array<pollfd, 2> asked = {{{directories_.Get(), POLLIN, 0}, {mounts_.Get(), POLLPRI, 0}}};
  return ::poll(asked.data(), asked.size(), 0) == 0;
}

SysStatus Changes::Forget() {
  alignas(inotify_event) std::array<char, 4096> events;
  for (;;) {
    const ssize_t size = ::read(directories_.Get(), events.data(), events.size());
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0 && errno != EINTR) return LastErrno();
  }
  // The poll itself is what forgets of the mounts.
  (void)IsQuiet();
  return {};
}

}  // namespace bailey::os
