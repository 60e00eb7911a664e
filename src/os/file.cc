#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "os/looks.h"

namespace bailey::os {

SysResult<base::UniqueFd> Open(int directory, const char* path, int flags, unsigned mode) {
  Looks::Note(directory, path);
  const int fd = ::openat(directory, path, flags | O_CLOEXEC, mode);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(fd);
}

SysResult<base::UniqueFd> OpenInRoot(int root, const char* path, int flags, unsigned mode) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof(how));
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    // A rename elsewhere on the host makes a lookup of ".." uncertain; the kernel says try again.
    if (errno != EAGAIN) return LastErrno();
  }
}

SysResult<base::UniqueFd> OpenWithoutLinks(int directory, const char* path, int flags,
                                           unsigned mode) {
  open_how how = {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof(how));
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

SysResult<base::UniqueFd> OpenProc() {
  auto proc = Open(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!proc) return proc;
  struct statfs found = {};
  if (::fstatfs(proc->Get(), &found) != 0) return LastErrno();
  if (found.f_type != PROC_SUPER_MAGIC) return Fail(ENODEV);
  return proc;
}

SysResult<struct stat> Stat(int directory, const char* path, bool follow) {
  Looks::Note(directory, path);
  struct stat found = {};
  if (::fstatat(directory, path, &found, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return LastErrno();
  return found;
}

SysResult<struct stat> StatFd(int fd) {
  struct stat found = {};
  if (::fstat(fd, &found) != 0) return LastErrno();
  return found;
}

SysResult<std::uint64_t> MountIdOf(int directory, const char* path) {
  struct statx found = {};
  if (::statx(directory, path, 0, STATX_MNT_ID, &found) != 0) return LastErrno();
  if (!(found.stx_mask & STATX_MNT_ID)) return Fail(ENOSYS);
  return found.stx_mnt_id;
}

SysStatus MakeDirectory(int directory, const char* name, unsigned mode) {
  return Check(::mkdirat(directory, name, mode));
}

SysStatus MakeFile(int directory, const char* name, unsigned mode) {
  return Check(::mknodat(directory, name, S_IFREG | mode, 0));
}

SysStatus MakeSymlink(const char* target, int directory, const char* name) {
  return Check(::symlinkat(target, directory, name));
}

SysStatus RemoveDirectory(int directory, const char* name) {
  return Check(::unlinkat(directory, name, AT_REMOVEDIR));
}

SysStatus Rename(const char* from, const char* to) { return Check(::rename(from, to)); }

SysStatus RemoveFile(int directory, const char* name) {
  return Check(::unlinkat(directory, name, 0));
}

SysStatus ChangeModeOf(int proc, int fd, unsigned mode) {
  // fchmod(2) takes no O_PATH descriptor, and fchmodat2(2) came with Linux 6.6.
  char path[32];
  (void)::snprintf(path, sizeof(path), "self/fd/%d", fd);
  return Check(::fchmodat(proc, path, mode, 0));
}

SysStatus CheckWritable(int fd) {
  return Check(::syscall(SYS_faccessat2, fd, "", W_OK, AT_EMPTY_PATH));
}

SysStatus CopyData(int from, int to) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return LastErrno();
    if (count == 0) return {};
    for (ssize_t done = 0; done < count;) {
      const ssize_t written =
          ::write(to, buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) return LastErrno();
      if (written > 0) done += written;
    }
  }
}

SysResult<std::size_t> ReadSome(int from, std::span<std::uint8_t> buffer) {
  ssize_t count = -1;
  do {
    count = ::read(from, buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  if (count < 0) return LastErrno();
  return static_cast<std::size_t>(count);
}

SysResult<std::size_t> ReadInto(int from, std::span<std::uint8_t> buffer) {
  std::size_t used = 0;
  while (used < buffer.size()) {
    const auto count = ReadSome(from, buffer.subspan(used));
    if (!count) return count;
    if (*count == 0) return used;
    used += *count;
  }
  return Fail(EFBIG);
}

SysStatus ChangeMode(int directory, const char* name, unsigned mode) {
  return Check(::fchmodat(directory, name, mode, 0));
}

SysStatus ChangeMode(int fd, unsigned mode) { return Check(::fchmod(fd, mode)); }

SysStatus WriteAll(int fd, std::string_view text) {
  const ssize_t written = ::write(fd, text.data(), text.size());
  if (written < 0) return LastErrno();
  if (static_cast<std::size_t>(written) != text.size()) return Fail(EIO);
  return {};
}

SysStatus RewriteAll(int fd, std::string_view text) {
  const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
  if (written < 0) return LastErrno();
  if (static_cast<std::size_t>(written) != text.size()) return Fail(EIO);
  return {};
}

SysStatus WriteFile(int directory, const char* path, std::string_view text) {
  const auto file = Open(directory, path, O_WRONLY);
  if (!file) return std::unexpected(file.error());
  return WriteAll(file->Get(), text);
}

SysResult<std::string> ReadFile(int directory, const char* path, std::size_t limit) {
  const auto file = Open(directory, path, O_RDONLY);
  if (!file) return std::unexpected(file.error());
  return ReadAll(file->Get(), limit);
}

SysResult<std::string> ReadAll(int fd, std::size_t limit) {
  std::string text;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return LastErrno();
    if (count == 0) return text;
    if (text.size() + static_cast<std::size_t>(count) > limit) return Fail(EFBIG);
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

SysResult<std::size_t> ReadLinkInto(int directory, const char* path, std::span<char> buffer) {
  Looks::Note(directory, path);
  const ssize_t size = ::readlinkat(directory, path, buffer.data(), buffer.size());
  if (size < 0) return LastErrno();
  if (static_cast<std::size_t>(size) == buffer.size()) return Fail(ENAMETOOLONG);
  return static_cast<std::size_t>(size);
}

SysResult<std::string> ReadLink(int directory, const char* path) {
  std::array<char, 4096> buffer;
  const auto size = ReadLinkInto(directory, path, buffer);
  if (!size) return std::unexpected(size.error());
  return std::string(buffer.data(), *size);
}

SysResult<std::array<base::UniqueFd, 2>> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return LastErrno();
  return std::array<base::UniqueFd, 2>{base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

SysResult<base::UniqueFd> Copy(int fd) {
  base::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.IsOpen()) return LastErrno();
  return copy;
}

SysStatus SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return LastErrno();
  return Check(::fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

SysStatus SetBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return LastErrno();
  return Check(::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

bool IsAnonymousPipe(int fd) {
  struct statfs found = {};
  return ::fstatfs(fd, &found) == 0 && found.f_type == PIPEFS_MAGIC;
}

SysStatus ChangeOwner(int fd, std::uint32_t uid) {
  return Check(::fchown(fd, uid, static_cast<gid_t>(-1)));
}

SysStatus ChangeOwner(int fd, std::uint32_t uid, std::uint32_t gid) {
  return Check(::fchown(fd, uid, gid));
}

SysStatus CanMakeNames(const char* directory) {
  Looks::Note(AT_FDCWD, directory);
  return Check(::faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS));
}

SysResult<std::string> BlockDevice(std::uint64_t st_dev) {
  std::array<char, 64> path;
  const auto name = [&](const char* file) {
    (void)std::snprintf(path.data(), path.size(), "/sys/dev/block/%u:%u/%s", major(st_dev),
                        minor(st_dev), file);
    return path.data();
  };
  const bool is_partition = Stat(AT_FDCWD, name("partition"), true).has_value();
  const auto text = ReadFile(AT_FDCWD, name(is_partition ? "../dev" : "dev"), path.size());
  if (!text && text.error().value != ENOENT) return std::unexpected(text.error());
  return text ? text->substr(0, text->find('\n')) : std::string();
}

SysResult<bool> TryLock(int fd, Lock kind) {
  if (::flock(fd, (kind == Lock::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return LastErrno();
}

SysStatus WaitForLock(int fd, Lock kind) {
  while (::flock(fd, kind == Lock::kShared ? LOCK_SH : LOCK_EX) != 0)
    if (errno != EINTR) return LastErrno();
  return {};
}

SysStatus ForEachEntry(int directory,
                       const std::function<void(const char* name, EntryType type)>& visit) {
  // struct linux_dirent64: inode and offset, the record's length, its type, the name.
  Looks::NoteEntries(directory);
  constexpr std::size_t kLength = 16, kType = 18, kName = 19;
  alignas(std::uint64_t) std::array<char, 32 << 10> buffer;
  for (;;) {
    const long size = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (size < 0) return LastErrno();
    if (size == 0) return {};
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const char* const record = buffer.data() + at;
      std::uint16_t length = 0;
      std::memcpy(&length, record + kLength, sizeof(length));
      at += length;
      const std::string_view name = record + kName;
      if (name == "." || name == "..") continue;
      const auto type = static_cast<unsigned char>(record[kType]);
      visit(record + kName, type == DT_DIR       ? EntryType::kDirectory
                            : type == DT_UNKNOWN ? EntryType::kUnknown
                                                 : EntryType::kOther);
    }
  }
}

SysResult<std::vector<std::string>> Names(int directory) {
  const auto copy = Open(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!copy) return std::unexpected(copy.error());
  std::vector<std::string> names;
  const auto read =
      ForEachEntry(copy->Get(), [&](const char* name, EntryType) { names.emplace_back(name); });
  if (!read) return std::unexpected(read.error());
  std::ranges::sort(names);
  return names;
}

SysResult<base::UniqueFd> SealedMemfd(const char* name, std::span<const std::uint8_t> bytes) {
  base::UniqueFd file(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.IsOpen()) return LastErrno();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (const auto written = WriteAll(file.Get(), text); !written)
    return std::unexpected(written.error());
  if (::lseek(file.Get(), 0, SEEK_SET) != 0) return LastErrno();
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file.Get(), F_ADD_SEALS, kSeals) != 0) return LastErrno();
  return file;
}

}  // namespace bailey::os
