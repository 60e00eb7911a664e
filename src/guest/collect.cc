#include "guest/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guest/machine.h"
#include "guest/trees.h"

namespace bailey::guest {
namespace {

constexpr std::size_t kBlock = 512;

struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};
static_assert(sizeof(Header) == kBlock);

template <std::size_t N>
void Octal(char (&field)[N], std::uint64_t value) {
  field[N - 1] = '\0';
  for (std::size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
}

// Writes to the drive in large pieces; the first error stays.
class Archive {
 public:
  void Begin(int drive) {
    drive_ = drive;
    error_ = 0;
    used_ = 0;
    total_ = entries_ = 0;
  }

  void Write(const void* bytes, std::size_t size) {
    const auto* from = static_cast<const char*>(bytes);
    while (size > 0 && error_ == 0) {
      const std::size_t count = size < sizeof(buffer_) - used_ ? size : sizeof(buffer_) - used_;
      memcpy(buffer_ + used_, from, count);
      from += count;
      size -= count;
      used_ += count;
      total_ += count;
      if (used_ == sizeof(buffer_)) Flush();
    }
  }
  void Pad() {
    static constexpr char kZeros[kBlock] = {};
    Write(kZeros, (kBlock - total_ % kBlock) % kBlock);
  }
  // `name` and `link` without a null byte at their end.
  void Entry(char type, std::string_view name, const struct stat& of, std::string_view link,
             std::uint64_t size) {
    Long('L', name, sizeof(Header::name));
    Long('K', link, sizeof(Header::link));
    Head(type, name, of, link, size);
    ++entries_;
  }
  // Reads the file into the archive; what it has become shorter by is zeros.
  void Contents(int file, std::uint64_t size) {
    static char piece[64 << 10];
    while (size > 0 && error_ == 0) {
      const std::size_t most =
          size < sizeof(piece) ? static_cast<std::size_t>(size) : sizeof(piece);
      const ssize_t count = ::read(file, piece, most);
      if (count < 0) return Fail(errno);
      if (count == 0) return Fail(ESTALE);
      Write(piece, static_cast<std::size_t>(count));
      size -= static_cast<std::uint64_t>(count);
    }
    Pad();
  }
  // Two blocks of zeros end an archive.
  void Finish() {
    static constexpr char kZeros[2 * kBlock] = {};
    Write(kZeros, sizeof(kZeros));
    Flush();
    if (error_ == 0 && ::fsync(drive_) != 0) error_ = errno;
  }
  void Fail(int error) {
    if (error_ == 0) error_ = error;
  }
  int Error() const { return error_; }
  std::uint64_t Total() const { return total_; }
  std::uint64_t Entries() const { return entries_; }

 private:
  void Long(char type, std::string_view text, std::size_t room) {
    if (text.size() < room) return;
    Head(type, "././@LongLink", {}, {}, text.size());
    Write(text.data(), text.size());
    Pad();
  }
  void Head(char type, std::string_view name, const struct stat& of, std::string_view link,
            std::uint64_t size) {
    Header header = {};
    memcpy(header.name, name.data(), name.size() < 100 ? name.size() : 99);
    if (!link.empty()) memcpy(header.link, link.data(), link.size() < 100 ? link.size() : 99);
    Octal(header.mode, of.st_mode & 07777);
    Octal(header.uid, 0);
    Octal(header.gid, 0);
    Octal(header.size, size);
    Octal(header.mtime, of.st_mtime > 0 ? static_cast<std::uint64_t>(of.st_mtime) : 0);
    header.type = type;
    memcpy(header.magic, "ustar", 6);
    memcpy(header.version, "00", 2);
    memset(header.checksum, ' ', sizeof(header.checksum));
    unsigned sum = 0;
    for (std::size_t i = 0; i < sizeof(header); ++i)
      sum += reinterpret_cast<const unsigned char*>(&header)[i];
    Octal(header.checksum, sum);
    Write(&header, sizeof(header));
  }
  void Flush() {
    if (error_ == 0 && used_ > 0 &&
        !WriteAll(drive_, {reinterpret_cast<const std::uint8_t*>(buffer_), used_}))
      error_ = errno != 0 ? errno : EIO;
    used_ = 0;
  }

  int drive_ = -1;
  int error_ = 0;
  std::size_t used_ = 0;
  std::uint64_t total_ = 0, entries_ = 0;
  char buffer_[128 << 10];
};

class Collector {
 public:
  explicit Collector(Archive& archive) : archive_(archive) {}

  void Begin() { left_ = 0; }

  // The changes of one mount; its own directory is the entry "N/".
  void Layer(std::size_t number, int directory) {
    Path name;
    name << number;
    size_ = 0;
    Append(name.Text());
    Directory(directory);
  }
  std::uint64_t Left() const { return left_; }

 private:
  bool Append(std::string_view text) {
    if (text.size() >= sizeof(path_) - size_) {
      archive_.Fail(ENAMETOOLONG);
      return false;
    }
    memcpy(path_ + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }
  std::string_view Name() const { return {path_, size_}; }

  void Directory(int directory) {
    struct stat found;
    if (::fstat(directory, &found) != 0) return archive_.Fail(errno);
    char mark = 'n';
    const bool opaque =
        ::fgetxattr(directory, "trusted.overlay.opaque", &mark, 1) == 1 && mark == 'y';
    archive_.Entry(opaque ? 'O' : '5', Name(), found, {}, 0);
    DIR* const entries = ::fdopendir(directory);
    if (!entries) return archive_.Fail(errno);
    while (const dirent* const entry = ::readdir(entries)) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || archive_.Error() != 0) continue;
      const std::size_t before = size_;
      if (Append("/") && Append(name)) One(directory, entry->d_name);
      size_ = before;
    }
    ::closedir(entries);
  }

  void One(int directory, const char* name) {
    struct stat found;
    if (::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return archive_.Fail(errno);
    if (S_ISDIR(found.st_mode)) {
      const int opened = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (opened < 0) return archive_.Fail(errno);
      return Directory(opened);  // and closes it
    }
    if (S_ISLNK(found.st_mode)) {
      static char text[4096];
      const ssize_t size = ::readlinkat(directory, name, text, sizeof(text));
      if (size < 0) return archive_.Fail(errno);
      return archive_.Entry('2', Name(), found, {text, static_cast<std::size_t>(size)}, 0);
    }
    if (S_ISREG(found.st_mode)) {
      const int file = ::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
      if (file < 0) return archive_.Fail(errno);
      const auto size = static_cast<std::uint64_t>(found.st_size);
      archive_.Entry('0', Name(), found, {}, size);
      archive_.Contents(file, size);
      ::close(file);
      return;
    }
    // The overlay's mark of a name that is gone.
    if (S_ISCHR(found.st_mode) && found.st_rdev == 0)
      return archive_.Entry('W', Name(), found, {}, 0);
    ++left_;
  }

  Archive& archive_;
  char path_[16 << 10];
  std::size_t size_ = 0;
  std::uint64_t left_ = 0;
};

int WriteChanges(const Command& command, std::size_t stage, std::string_view drive,
                 Collected& collected) {
  Path device;
  const int opened = OpenDrive(drive, O_WRONLY, device);
  if (opened < 0) return -opened;
  static Archive archive;
  archive.Begin(opened);
  static Collector collector(archive);
  collector.Begin();
  for (std::size_t i = 1; i < command.mount_count; ++i) {
    if (command.mounts[i].kind != Mount::Kind::kChange) continue;
    Path upper;
    PathOfChanges(stage, i, upper);
    const int directory = ::open(upper.Text(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return errno;
    collector.Layer(i, directory);
  }
  archive.Finish();
  ::close(opened);
  collected = {archive.Total(), archive.Entries(), collector.Left()};
  return archive.Error();
}

}  // namespace

int Collect(const Command& command, std::size_t stage, std::string_view drive,
            Collected& collected) {
  // One for each directory on the way down, and no more of them for the next program than it had.
  rlimit before = {};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return errno;
  const rlimit descriptors = {1 << 20, 1 << 20};
  (void)::setrlimit(RLIMIT_NOFILE, &descriptors);
  const int error = WriteChanges(command, stage, drive, collected);
  return ::setrlimit(RLIMIT_NOFILE, &before) == 0 ? error : errno;
}

}  // namespace bailey::guest
