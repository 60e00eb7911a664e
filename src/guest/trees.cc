#include "guest/trees.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest/machine.h"
#include "guest/network.h"

namespace bailey::guest {
namespace {

constexpr unsigned long kPlain = MS_NODEV | MS_NOSUID;

int Result(long value) { return value < 0 ? errno : 0; }

constexpr std::string_view kRootName = "root";

// fs/erofs/erofs_fs.h: behind a kilobyte for somebody else's boot loader.
bool IsErofs(int drive) {
  constexpr std::uint8_t kMagic[] = {0xe2, 0xe1, 0xf5, 0xe0};
  std::uint8_t found[sizeof(kMagic)] = {};
  return ::pread(drive, found, sizeof(found), 1024) == sizeof(found) &&
         memcmp(found, kMagic, sizeof(kMagic)) == 0;
}

int MountDrive(std::string_view name, const char* place) {
  Path device;
  const int drive = OpenDrive(name, O_RDONLY, device);
  if (drive < 0) return -drive;
  const char* const kind = IsErofs(drive) ? "erofs" : "squashfs";
  ::close(drive);
  return Result(::mount(device.Text(), place, kind, MS_RDONLY | kPlain, nullptr));
}

void PathOfLayers(std::size_t stage, Path& path) { path << "/layers/" << stage; }

void PathOfTree(std::size_t stage, std::size_t number, Path& path) {
  path << "/trees/" << stage << "-" << number;
}

void PathOfDrive(std::size_t stage, std::size_t number, Path& path) {
  PathOfLayers(stage, path);
  path << "/drive-" << number;
}

// The merged directory looks like its upper one.
int CopyAttributes(const char* from, const char* to) {
  struct stat found;
  if (::stat(from, &found) != 0 || ::chown(to, found.st_uid, found.st_gid) != 0 ||
      ::chmod(to, found.st_mode & 07777) != 0)
    return errno;
  return 0;
}

int MountOverlay(std::size_t stage, std::size_t number, const char* lower, const char* place) {
  Path upper, work, options;
  PathOfChanges(stage, number, upper);
  PathOfLayers(stage, work);
  work << "/work-" << number;
  options << "lowerdir=" << lower << ",upperdir=" << upper.Text() << ",workdir=" << work.Text();
  if (::mkdir(upper.Text(), 0755) != 0 || ::mkdir(work.Text(), 0700) != 0 ||
      ::mkdir(place, 0700) != 0)
    return errno;
  if (const int error = CopyAttributes(lower, upper.Text())) return error;
  return Result(::mount("overlay", place, "overlay", kPlain, options.Text()));
}

int MountRootDrive() {
  static bool mounted = false;
  if (mounted) return 0;
  const int error = MountDrive(kRootName, kRootDrive);
  mounted = error == 0;
  return error;
}

int MountCarried(const Mount& mount, const char* place) {
  if (::mkdir(place, 0700) != 0) return errno;
  return MountDrive(mount.drive, place);
}

int MakeTree(const Mount& mount, std::size_t stage, std::size_t number, int& copy) {
  Path drive, place;
  PathOfDrive(stage, number, drive);
  PathOfTree(stage, number, place);
  if (mount.kind == Mount::Kind::kMemory) {
    Path options;
    options << "mode=1777,size=" << mount.size;
    if (::mkdir(place.Text(), 0700) != 0) return errno;
    if (::mount("tmpfs", place.Text(), "tmpfs", kPlain, options.Text()) != 0) return errno;
  } else if (const int error = MountCarried(mount, drive.Text())) {
    return error;
  }
  if (mount.kind == Mount::Kind::kChange) {
    if (const int error = MountOverlay(stage, number, drive.Text(), place.Text())) return error;
  }
  Path shown;
  shown << (mount.kind == Mount::Kind::kShow ? drive.Text() : place.Text());
  if (!mount.name.empty()) shown << "/" << mount.name;
  if (!shown.Text()) return ENAMETOOLONG;
  copy = static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, shown.Text(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  return Result(copy);
}

// A place for a mount, made where it is missing: every part of the path is looked up in the root.
int MakePlace(const char* path, bool directory) {
  char part[kPathRoom];
  const std::size_t size = ::strlen(path);
  if (size >= sizeof(part)) return ENAMETOOLONG;
  for (std::size_t i = 1; i <= size; ++i) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(part, path, i);
    part[i] = '\0';
    if (i == size && !directory) {
      const int file = ::open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
      if (file < 0) return errno;
      ::close(file);
    } else if (::mkdir(part, 0755) != 0 && errno != EEXIST) {
      return errno;
    }
  }
  return 0;
}

int Attach(int copy, const Mount& mount) {
  struct stat found;
  if (::fstat(copy, &found) != 0) return errno;
  if (const int error = MakePlace(mount.path.data(), S_ISDIR(found.st_mode))) return error;
  return Result(
      ::syscall(SYS_move_mount, copy, "", AT_FDCWD, mount.path.data(), MOVE_MOUNT_F_EMPTY_PATH));
}

int MakeDevices() {
  struct Device {
    const char* path;
    unsigned number;
  };
  constexpr Device kDevices[] = {{"/dev/null", 3},
                                 {"/dev/zero", 5},
                                 {"/dev/full", 7},
                                 {"/dev/random", 8},
                                 {"/dev/urandom", 9}};
  struct Link {
    const char *path, *text;
  };
  constexpr Link kLinks[] = {{"/dev/fd", "/proc/self/fd"},
                             {"/dev/stdin", "/proc/self/fd/0"},
                             {"/dev/stdout", "/proc/self/fd/1"},
                             {"/dev/stderr", "/proc/self/fd/2"},
                             {"/dev/ptmx", "pts/ptmx"}};
  for (const Device& device : kDevices)
    if (::mknod(device.path, S_IFCHR | 0666, makedev(1, device.number)) != 0) return errno;
  if (::mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0)) != 0) return errno;
  for (const Link& link : kLinks)
    if (::symlink(link.text, link.path) != 0) return errno;
  return ::mkdir("/dev/pts", 0755) == 0 && ::mkdir("/dev/shm", 0755) == 0 ? 0 : errno;
}

int SetReadOnly(const char* path) {
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  return Result(::syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof(attributes)));
}

int MountKernels() {
  ::umask(0);
  ::mkdir("/dev", 0755);
  ::mkdir("/proc", 0755);
  if (::mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m") != 0)
    return errno;
  if (const int error = MakeDevices()) return error;
  if (::mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620") != 0)
    return errno;
  // Only what says something about processes, and nothing that can be written.
  return Result(::mount("proc", "/proc", "proc", kPlain | MS_NOEXEC | MS_RDONLY, "subset=pid"));
}

}  // namespace

void PathOfChanges(std::size_t stage, std::size_t number, Path& path) {
  PathOfLayers(stage, path);
  path << "/upper-" << number;
}

void PathOfRootTree(std::size_t stage, Path& path) { PathOfTree(stage, 0, path); }

int MakeRootTree(std::size_t stage) {
  Path layers, place;
  PathOfLayers(stage, layers);
  if (::mkdir(layers.Text(), 0700) != 0 && errno != EEXIST) return errno;
  if (::mount("tmpfs", layers.Text(), "tmpfs", MS_NODEV | MS_NOSUID, "mode=0700") != 0)
    return errno;
  if (const int error = MountRootDrive()) return error;
  PathOfTree(stage, 0, place);
  return MountOverlay(stage, 0, kRootDrive, place.Text());
}

int MakeTrees(const Command& command, std::size_t stage, Trees& trees, std::size_t& failed) {
  failed = 0;
  if (command.mounts[0].drive != kRootName) return ENODEV;
  for (std::size_t i = 1; i < command.mount_count; ++i) {
    failed = i;
    if (const int error = MakeTree(command.mounts[i], stage, i, trees.copies[i])) return error;
  }
  return 0;
}

int UnmakeTrees(const Command& command, std::size_t stage, Trees& trees) {
  for (std::size_t i = command.mount_count; i-- > 0;) {
    const Mount& mount = command.mounts[i];
    if (i > 0) ::close(trees.copies[i]);
    Path drive, place;
    PathOfDrive(stage, i, drive);
    PathOfTree(stage, i, place);
    if (mount.kind != Mount::Kind::kShow &&
        (::umount2(place.Text(), 0) != 0 || ::rmdir(place.Text()) != 0))
      return errno;
    const bool carried = mount.kind == Mount::Kind::kShow || mount.kind == Mount::Kind::kChange;
    if (carried && ::umount2(drive.Text(), 0) != 0) return errno;
  }
  Path layers;
  PathOfLayers(stage, layers);
  return Result(::umount2(layers.Text(), 0));
}

int EnterRoot(std::size_t stage) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  Path root;
  PathOfTree(stage, 0, root);
  if (::chdir(root.Text()) != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
      ::chroot(".") != 0)
    return errno;
  return MountKernels();
}

int EnterTrees(const Command& command, const Trees& trees, std::size_t& failed) {
  for (std::size_t i = 1; i < command.mount_count; ++i) {
    failed = i;
    if (const int error = Attach(trees.copies[i], command.mounts[i])) return error;
  }
  failed = 0;
  if (command.has_network) {
    if (const int error = WriteResolver(command.network)) return error;
  }
  if (const int error = SetReadOnly("/dev")) return error;
  return SetReadOnly("/");
}

}  // namespace bailey::guest
