#include "os/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> clashes with <linux/mount.h> in glibc 2.36; these few are all that is wanted of it.
extern "C" int umount2(const char*, int) noexcept;
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;

namespace bailey::os {
namespace {

constexpr unsigned long kMsRec = 0x4000;
constexpr unsigned long kMsPrivate = 1ul << 18;
constexpr unsigned long kMsSlave = 1ul << 19;
constexpr int kMntDetach = 2;

std::uint64_t Attributes(std::uint32_t flags) {
  std::uint64_t attributes = 0;
  if (flags & kReadOnly) attributes |= MOUNT_ATTR_RDONLY;
  if (flags & kNoSuid) attributes |= MOUNT_ATTR_NOSUID;
  if (flags & kNoDev) attributes |= MOUNT_ATTR_NODEV;
  if (flags & kNoExec) attributes |= MOUNT_ATTR_NOEXEC;
  return attributes;
}

SysStatus SetAttributes(int tree, const mount_attr& attributes, bool recursive) {
  const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0u);
  return Check(::syscall(SYS_mount_setattr, tree, "", flags, &attributes, sizeof(attributes)));
}

// fs/fsopen.c takes no longer texts.
constexpr std::size_t kMostOptionText = 256;

// "12:13": the names of descriptors in /proc/self/fd, where no byte of a path can be taken for a
// separator, and no symlink be put in its place.
SysStatus WriteNames(std::span<const int> descriptors, std::span<char, kMostOptionText> text) {
  std::size_t used = 0;
  for (const int descriptor : descriptors) {
    const int size =
        ::snprintf(text.data() + used, text.size() - used, used == 0 ? "%d" : ":%d", descriptor);
    used += static_cast<std::size_t>(size);
    if (used >= text.size()) return Fail(E2BIG);
  }
  return {};
}

SysResult<base::UniqueFd> MakeOverlay(std::span<const int> lower, int upper, int work) {
  char lower_text[kMostOptionText], upper_text[kMostOptionText], work_text[kMostOptionText];
  if (const auto done = WriteNames(lower, lower_text); !done) return std::unexpected(done.error());
  if (const auto done = WriteNames({&upper, 1}, upper_text); !done)
    return std::unexpected(done.error());
  if (const auto done = WriteNames({&work, 1}, work_text); !done)
    return std::unexpected(done.error());
  const FilesystemOption options[] = {{"userxattr", nullptr},
                                      {"lowerdir", lower_text},
                                      {"upperdir", upper_text},
                                      {"workdir", work_text}};
  const std::span<const FilesystemOption> all(options);
  return NewFilesystem("overlay", upper < 0 ? all.first(2) : all, 0);
}

}  // namespace

SysResult<base::UniqueFd> CloneTree(int directory, const char* path) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH |
                         static_cast<unsigned>(AT_SYMLINK_NOFOLLOW);
  const long fd = ::syscall(SYS_open_tree, directory, path, flags);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

SysStatus SetMountFlags(int tree, std::uint32_t flags, bool recursive) {
  mount_attr attributes = {};
  attributes.attr_set = Attributes(flags);
  // A copy of a shared mount joins its peer group: later mounts on the host would appear in it.
  attributes.propagation = kMsPrivate;
  return SetAttributes(tree, attributes, recursive);
}

SysStatus AddMountFlags(int tree, std::uint32_t flags, bool recursive) {
  mount_attr attributes = {};
  attributes.attr_set = Attributes(flags);
  return SetAttributes(tree, attributes, recursive);
}

SysStatus SetIdMap(int tree, int user_namespace, bool recursive) {
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
  return SetAttributes(tree, attributes, recursive);
}

SysResult<base::UniqueFd> NewFilesystem(const char* type, std::span<const FilesystemOption> options,
                                        std::uint32_t flags) {
  const base::UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)));
  if (!context.IsOpen()) return LastErrno();
  for (const FilesystemOption& option : options) {
    const unsigned command = option.value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
    if (::syscall(SYS_fsconfig, context.Get(), command, option.key, option.value, 0) != 0)
      return LastErrno();
  }
  if (::syscall(SYS_fsconfig, context.Get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return LastErrno();
  const long fd = ::syscall(SYS_fsmount, context.Get(), FSMOUNT_CLOEXEC, Attributes(flags));
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

SysResult<base::UniqueFd> NewOverlay(int descriptors, std::span<const int> lower, int upper,
                                     int work) {
  const base::UniqueFd here(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!here.IsOpen() || ::fchdir(descriptors) != 0) return LastErrno();
  auto made = MakeOverlay(lower, upper, work);
  if (::fchdir(here.Get()) != 0) return LastErrno();
  return made;
}

SysResult<base::UniqueFd> NewKeepingOverlay(int lower, int upper, int work, bool userxattr) {
  char names[3][32];
  (void)::snprintf(names[0], sizeof(names[0]), "/proc/self/fd/%d", lower);
  (void)::snprintf(names[1], sizeof(names[1]), "/proc/self/fd/%d", upper);
  (void)::snprintf(names[2], sizeof(names[2]), "/proc/self/fd/%d", work);
  // Whatever the kernel's defaults: a directory that is moved is copied, and a file copied whole.
  constexpr FilesystemOption kPlain[] = {
      {"redirect_dir", "nofollow"}, {"index", "off"}, {"metacopy", "off"}};
  constexpr FilesystemOption kUser = {"userxattr", nullptr};
  FilesystemOption options[6] = {
      {"lowerdir", names[0]}, {"upperdir", names[1]}, {"workdir", names[2]}};
  std::size_t count = 3;
  if (userxattr) {
    options[count++] = kUser;
  } else {
    for (const FilesystemOption& option : kPlain) options[count++] = option;
  }
  return NewFilesystem("overlay", std::span(options).first(count), kNoSuid | kNoDev);
}

SysStatus Attach(int tree, int target) {
  return Check(::syscall(SYS_move_mount, tree, "", target, "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

SysStatus MakeMountsPrivate() {
  return Check(::mount(nullptr, "/", nullptr, kMsRec | kMsPrivate, nullptr));
}

SysStatus MakeMountsSlaves() {
  return Check(::mount(nullptr, "/", nullptr, kMsRec | kMsSlave, nullptr));
}

SysStatus EnterRoot(int root) {
  if (::fchdir(root) != 0) return LastErrno();
  // With "." for both, the old root ends up mounted over the new one, and "." names it there
  // (pivot_root(2), "pivot_root(".", ".")"): no directory is needed to put it in.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return LastErrno();
  if (::umount2(".", kMntDetach) != 0) return LastErrno();
  return Check(::chdir("/"));
}

SysStatus Detach(int directory, const char* name) {
  if (::fchdir(directory) != 0) return LastErrno();
  return Check(::umount2(name, kMntDetach));
}

}  // namespace bailey::os
