#include "guest/preload.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "guest/machine.h"
#include "guest/trees.h"

namespace bailey::guest {
namespace {

// None of it lies below another one.
constexpr const char* kPlaces[] = {"usr/bin",      "bin",
                                   "etc",          "lib64",
                                   "usr/lib64",    "lib/x86_64-linux-gnu",
                                   "lib",          "usr/lib/x86_64-linux-gnu",
                                   "usr/lib",      "usr/local/bin",
                                   "usr/local/lib"};
// What every dynamic program asks for first, and what all do that are linked with libselinux,
// whether it is there or not.
constexpr const char* kNames[] = {"etc/ld.so.preload",
                                  "etc/ld.so.cache",
                                  "sys/fs/selinux",
                                  "selinux",
                                  "etc/selinux/config",
                                  "usr/lib/locale/locale-archive",
                                  "usr/share/locale/locale.alias"};
// Below each place, where the loader looks for libraries that fit the processor better.
constexpr const char* kBetter[] = {"glibc-hwcaps", "tls", "haswell", "x86_64"};
// As many names are kept of the places above, in each tree.
constexpr std::size_t kMostNames = 4096;
// A larger one is no program that many start with.
constexpr std::uint64_t kLargest = 4 << 20;

class Reader {
 public:
  explicit Reader(int root) : root_(root) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      Path path;
      PathOfRootTree(stage, path);
      trees_[stage] = ::open(path.Text(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    for (const int tree : trees_)
      if (tree >= 0) ::close(tree);
  }

  // The trees of programs that are yet to come know it, or know that it is not there.
  void LookUp(const char* path) const {
    for (const int tree : trees_) {
      const int found = tree >= 0 ? Open(tree, path, O_PATH) : -1;
      if (found >= 0) ::close(found);
    }
  }

  // What it read.
  std::uint64_t Directory(const char* place, std::uint64_t most) {
    LookUp(place);
    for (const char* const name : kBetter) {
      Path path;
      path << place << "/" << name;
      LookUp(path.Text());
    }
    const int opened = Open(root_, place, O_DIRECTORY);
    struct stat found;
    if (opened < 0) return 0;
    // /lib is often /usr/lib.
    if (::fstat(opened, &found) != 0 || IsKnown(found.st_ino)) {
      ::close(opened);
      return 0;
    }
    DIR* const entries = ::fdopendir(opened);
    if (!entries) {
      ::close(opened);
      return 0;
    }
    std::uint64_t total = 0;
    while (const dirent* const entry = ::readdir(entries)) {
      if (entry->d_type != DT_REG && entry->d_type != DT_LNK) continue;
      Path path;
      path << place << "/" << entry->d_name;
      if (name_count_++ < kMostNames) LookUp(path.Text());
      if (entry->d_type == DT_REG && total < most) total += File(path.Text(), most - total);
    }
    ::closedir(entries);
    return total;
  }

 private:
  // Links of the image lead nowhere else.
  static int Open(int root, const char* path, std::uint64_t flags) {
    if (!path) return -1;
    open_how how = {};
    how.flags = flags | O_RDONLY | O_CLOEXEC;
    if ((flags & O_PATH) == 0) how.flags |= O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_IN_ROOT;
    return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof(how)));
  }

  bool IsKnown(ino_t directory) {
    for (std::size_t i = 0; i < known_count_; ++i)
      if (known_[i] == directory) return true;
    known_[known_count_++] = directory;
    return false;
  }

  std::uint64_t File(const char* path, std::uint64_t most) const {
    static char piece[64 << 10];
    const int file = Open(root_, path, 0);
    if (file < 0) return 0;
    struct stat found;
    std::uint64_t total = 0;
    if (::fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0 &&
        static_cast<std::uint64_t>(found.st_size) <= (most < kLargest ? most : kLargest)) {
      for (ssize_t count; (count = ::read(file, piece, sizeof(piece))) > 0;)
        total += static_cast<std::uint64_t>(count);
    }
    ::close(file);
    return total;
  }

  int root_;
  std::array<int, kStages> trees_;
  std::size_t name_count_ = 0;
  std::array<ino_t, std::size(kPlaces)> known_ = {};
  std::size_t known_count_ = 0;
};

}  // namespace

void Preload(std::uint64_t most) {
  const int root = ::open(kRootDrive, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return;
  Reader reader(root);
  for (const char* const name : kNames) reader.LookUp(name);
  // Half of what is left for each, so that a large one leaves something for the others.
  for (const char* const place : kPlaces) most -= reader.Directory(place, most / 2);
  ::close(root);
}

}  // namespace bailey::guest
