#include "os/tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "os/file.h"

namespace bailey::os {
namespace {

using Buffer = std::array<char, 65536>;

// As much as the buffer holds, or as there is.
SysResult<std::size_t> Fill(int fd, Buffer& buffer) {
  std::size_t used = 0;
  while (used < buffer.size()) {
    const ssize_t count = ::read(fd, buffer.data() + used, buffer.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return LastErrno();
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  return used;
}

SysResult<base::UniqueFd> OpenRegular(int directory, const char* name) {
  auto opened = Open(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!opened) return opened;
  const auto found = StatFd(opened->Get());
  if (!found) return std::unexpected(found.error());
  if (!S_ISREG(found->st_mode)) return Fail(ESTALE);
  return opened;
}

}  // namespace

SysResult<base::UniqueFd> OpenBeneath(int directory, const char* path, int flags) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof(how));
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    if (errno != EAGAIN) return LastErrno();
  }
}

SysResult<bool> HaveSameBytes(int one, int other, const char* name) {
  const auto left = OpenRegular(one, name);
  if (!left) return std::unexpected(left.error());
  const auto right = OpenRegular(other, name);
  if (!right) return std::unexpected(right.error());
  Buffer left_bytes, right_bytes;
  for (;;) {
    const auto left_size = Fill(left->Get(), left_bytes);
    if (!left_size) return std::unexpected(left_size.error());
    const auto right_size = Fill(right->Get(), right_bytes);
    if (!right_size) return std::unexpected(right_size.error());
    if (*left_size != *right_size) return false;
    if (std::memcmp(left_bytes.data(), right_bytes.data(), *left_size) != 0) return false;
    if (*left_size == 0) return true;
  }
}

SysStatus CopyBytes(int from, int to) {
  Buffer buffer;
  for (;;) {
    const auto size = Fill(from, buffer);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return {};
    for (std::size_t done = 0; done < *size;) {
      const ssize_t count = ::write(to, buffer.data() + done, *size - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return LastErrno();
      done += static_cast<std::size_t>(count);
    }
  }
}

SysStatus RenameAt(int from, const char* name, int to, const char* new_name) {
  return Check(::renameat(from, name, to, new_name));
}

SysStatus RemoveTree(int directory, const std::string& name) {
  const auto found = Stat(directory, name.c_str(), false);
  if (!found && found.error().value == ENOENT) return {};
  if (!found) return std::unexpected(found.error());
  if (!S_ISDIR(found->st_mode)) return RemoveFile(directory, name.c_str());
  auto opened = Open(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened && opened.error().value == EACCES) {
    // An overlay's own directory has mode 0. By descriptor: the name may be another thing by now.
    const auto place = Open(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!place) return std::unexpected(place.error());
    char path[32];
    (void)::snprintf(path, sizeof(path), "/proc/self/fd/%d", place->Get());
    if (const auto set = ChangeMode(AT_FDCWD, path, 0700); !set) return set;
    opened = Open(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }
  if (!opened) return std::unexpected(opened.error());
  const auto names = Names(opened->Get());
  if (!names) return std::unexpected(names.error());
  // A directory that its owner may not write keeps what is in it.
  if (!names->empty() && (found->st_mode & 0300) != 0300) {
    if (const auto set = ChangeMode(opened->Get(), 0700); !set) return set;
  }
  for (const std::string& one : *names)
    if (const auto gone = RemoveTree(opened->Get(), one); !gone) return gone;
  return RemoveDirectory(directory, name.c_str());
}

SysStatus MakeWhiteout(int directory, const char* name) {
  return Check(::mknodat(directory, name, S_IFCHR, 0));
}

SysStatus SetOpaque(int directory) {
  return Check(::fsetxattr(directory, "user.overlay.opaque", "y", 1, 0));
}

SysStatus TryUserAttribute(int file) {
  constexpr const char* kName = "user.bailey";
  if (::fsetxattr(file, kName, "1", 1, 0) != 0) return LastErrno();
  return Check(::fremovexattr(file, kName));
}

bool IsOpaque(int directory) {
  for (const char* name : {"user.overlay.opaque", "trusted.overlay.opaque"}) {
    char value = 0;
    if (::fgetxattr(directory, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

}  // namespace bailey::os
