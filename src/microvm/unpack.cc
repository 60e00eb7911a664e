#include "microvm/unpack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "os/file.h"
#include "os/tree.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMostName = 16 << 10;

// guest/collect.cc has the fields.
struct Entry {
  std::string name, link;
  unsigned mode = 0;
  std::uint64_t size = 0;
  char type = 0;
};

base::Error Broken(std::string_view why) {
  return base::Violation(fmt::format("unpack what the guest has changed: {}", why));
}

std::optional<std::uint64_t> Octal(std::string_view field) {
  std::uint64_t value = 0;
  for (const char c : field.substr(0, field.find('\0'))) {
    if (c < '0' || c > '7' || value >> 60) return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

class Reader {
 public:
  Reader(int drive, std::uint64_t bytes) : drive_(drive), left_(bytes) {}

  base::Status Read(std::span<std::uint8_t> into) {
    if (into.size() > left_) return Broken("it ends too early");
    left_ -= into.size();
    while (!into.empty()) {
      const auto count = os::ReadSome(drive_, into);
      if (!count) return base::SystemError("read the drive for changes", count.error().value);
      if (*count == 0) return Broken("it ends too early");
      into = into.subspan(*count);
    }
    return {};
  }
  base::Status SkipPadding(std::uint64_t size) {
    std::array<std::uint8_t, kBlock> rest;
    return Read(std::span(rest).first((kBlock - size % kBlock) % kBlock));
  }
  base::Status Skip(std::uint64_t size) {
    std::array<std::uint8_t, 64 << 10> piece;
    for (std::uint64_t left = size; left > 0;) {
      const auto part = std::span(piece).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
      if (const auto read = Read(part); !read) return read;
      left -= part.size();
    }
    return SkipPadding(size);
  }
  base::Result<std::string> Text(std::uint64_t size) {
    if (size > kMostName) return Broken("a name is too long");
    std::string text(size, '\0');
    auto read = Read({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (read) read = SkipPadding(size);
    if (!read) return read.error();
    if (text.find('\0') != std::string::npos) return Broken("a name has a null byte");
    return text;
  }
  // None at the end.
  base::Result<std::optional<Entry>> Next() {
    Entry entry;
    for (;;) {
      std::array<char, kBlock> block;
      if (const auto read = Read({reinterpret_cast<std::uint8_t*>(block.data()), kBlock}); !read)
        return read.error();
      if (std::ranges::all_of(block, [](char c) { return c == 0; })) return std::nullopt;
      const std::string_view header(block.data(), block.size());
      const auto mode = Octal(header.substr(100, 8)), size = Octal(header.substr(124, 12));
      if (!mode || !size || header.substr(257, 5) != "ustar") return Broken("it is no tar");
      entry.mode = static_cast<unsigned>(*mode & 07777);
      entry.size = *size;
      entry.type = header[156];
      if (entry.type == 'L' || entry.type == 'K') {
        auto text = Text(entry.size);
        if (!text) return text.error();
        (entry.type == 'L' ? entry.name : entry.link) = *std::move(text);
        continue;
      }
      const auto field = [&](std::size_t at) {
        const std::string_view text = header.substr(at, 100);
        return std::string(text.substr(0, text.find('\0')));
      };
      if (entry.name.empty()) entry.name = field(0);
      if (entry.link.empty()) entry.link = field(157);
      return std::optional(std::move(entry));
    }
  }

 private:
  int drive_;
  std::uint64_t left_;
};

class Unpacker {
 public:
  Unpacker(Reader& reader, std::vector<ChangedMount>& mounts) : reader_(reader), mounts_(mounts) {}

  base::Status Take(const Entry& entry) {
    const std::size_t slash = entry.name.find('/');
    const auto number = base::ParseNumber(entry.name.substr(0, slash));
    const auto mount =
        std::ranges::find_if(mounts_, [&](const auto& one) { return one.mount == number; });
    if (mount == mounts_.end()) return Broken("an entry is of no path that it may change");
    mount_ = &*mount;
    if (slash == std::string::npos) return Top(entry);
    const std::string path = entry.name.substr(slash + 1);
    for (const std::string_view part : base::Split(path, '/'))
      if (part.empty() || part == "." || part == "..") return Broken("a name leads elsewhere");
    if (std::ranges::any_of(mount_->hidden, [&](const std::string& hidden) {
          return path == hidden || path.starts_with(hidden + "/");
        }))
      return reader_.Skip(entry.size);
    const auto done = Make(entry, path);
    if (done) return {};
    return base::SystemError(
        fmt::format("unpack what the guest has changed: {}", base::Escape(path.substr(0, 4096))),
        done.error().value);
  }

 private:
  // The directory itself is there; an overlay may have hidden all that was in it.
  base::Status Top(const Entry& entry) {
    if (entry.type == '5') return {};
    if (entry.type != 'O') return Broken("a directory has become something else");
    const auto done = os::SetOpaque(mount_->upper.Get());
    if (!done) return base::SystemError("unpack what the guest has changed", done.error().value);
    return {};
  }

  os::SysStatus Make(const Entry& entry, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    const auto directory =
        os::OpenBeneath(mount_->upper.Get(), parent.c_str(), O_RDONLY | O_DIRECTORY);
    if (!directory) return std::unexpected(directory.error());
    const int in = directory->Get();
    switch (entry.type) {
      case '0':
        return MakeFile(entry, in, name);
      case '2':
        if (auto made = os::MakeSymlink(entry.link.c_str(), in, name.c_str()); !made) return made;
        return {};
      case '5':
      case 'O':
        return MakeDirectory(entry, in, name);
      case 'W': {
        auto made = os::MakeWhiteout(in, name.c_str());
        if (made || made.error().value != EPERM) return made;
        mount_->deleted.push_back(path);
        return {};
      }
      default:
        return os::Fail(EPROTO);
    }
  }

  os::SysStatus Give(int fd, unsigned mode) {
    if (::geteuid() == 0) {
      if (auto given = os::ChangeOwner(fd, mount_->owner, mount_->group); !given) return given;
    }
    return os::ChangeMode(fd, mode & 01777);
  }

  os::SysStatus MakeDirectory(const Entry& entry, int in, const std::string& name) {
    if (auto made = os::MakeDirectory(in, name.c_str(), 0700); !made) return made;
    const auto opened = os::Open(in, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!opened) return std::unexpected(opened.error());
    if (entry.type == 'O')
      if (auto done = os::SetOpaque(opened->Get()); !done) return done;
    // Ours to write into while there is more; the program's own bits are on top.
    return Give(opened->Get(), entry.mode | 0700);
  }

  os::SysStatus MakeFile(const Entry& entry, int in, const std::string& name) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const auto file = os::Open(in, name.c_str(), kFlags, 0600);
    if (!file) return std::unexpected(file.error());
    std::array<std::uint8_t, 64 << 10> piece;
    for (std::uint64_t left = entry.size; left > 0;) {
      const auto part = std::span(piece).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
      if (!reader_.Read(part)) return os::Fail(EPROTO);
      // In pieces where the disk is nearly full: the next one says so.
      for (std::span<const std::uint8_t> rest = part; !rest.empty();) {
        const auto written = os::WriteSome(file->Get(), rest);
        if (!written) return std::unexpected(written.error());
        rest = rest.subspan(*written);
      }
      left -= part.size();
    }
    if (!reader_.SkipPadding(entry.size)) return os::Fail(EPROTO);
    return Give(file->Get(), entry.mode);
  }

  Reader& reader_;
  std::vector<ChangedMount>& mounts_;
  ChangedMount* mount_ = nullptr;
};

}  // namespace

base::Status Unpack(int drive, std::uint64_t bytes, std::vector<ChangedMount>& mounts) {
  if (::lseek(drive, 0, SEEK_SET) != 0)
    return base::SystemError("read the drive for changes", errno);
  Reader reader(drive, bytes);
  Unpacker unpacker(reader, mounts);
  for (;;) {
    const auto entry = reader.Next();
    if (!entry) return entry.error();
    if (!*entry) return {};
    if ((*entry)->type != '0' && (*entry)->size != 0) return Broken("an entry has contents");
    if (const auto taken = unpacker.Take(**entry); !taken) return taken.error();
  }
}

}  // namespace bailey::microvm
