#include "audit/file_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "os/file.h"

namespace bailey::audit {
namespace {

// A link in the last place is refused: whoever can write the directory must not choose another
// file. A FIFO without a reader is an error (ENXIO) instead of a wait.
os::SysResult<base::UniqueFd> OpenForAppending(const std::string& path) {
  return os::Open(AT_FDCWD, path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
                  0600);
}

class FileSink : public Sink {
 public:
  FileSink(std::string path, const SinkOptions& options, base::UniqueFd file, std::uint64_t size)
      : path_(std::move(path)),
        name_("file:" + path_),
        options_(options),
        file_(std::move(file)),
        size_(size) {}

  std::string_view Name() const override { return name_; }

  void Write(const Event& event) override {
    const std::string line = ToJson(event) + "\n";
    if (line.size() > options_.file_bytes) return Lose("a line is longer than a file may be");
    if (size_ + line.size() > options_.file_bytes && !Rotate()) return;
    const ssize_t written = ::write(file_.Get(), line.data(), line.size());
    if (written < 0) return Lose(std::strerror(errno));
    size_ += static_cast<std::uint64_t>(written);
    if (static_cast<std::size_t>(written) == line.size()) return;
    // What is left of a line on a full disk would join the next: better none of it.
    size_ -= static_cast<std::uint64_t>(written);
    if (::ftruncate(file_.Get(), static_cast<off_t>(size_)) != 0)
      size_ += static_cast<std::uint64_t>(written);
    Lose(std::strerror(ENOSPC));
  }

 private:
  std::string Old(unsigned number) const { return fmt::format("{}.{}", path_, number); }

  bool Rotate() {
    if (options_.old_files == 0) {
      if (::ftruncate(file_.Get(), 0) != 0) return Lose(std::strerror(errno)), false;
      size_ = 0;
      return true;
    }
    for (unsigned number = options_.old_files; number > 1; --number) {
      const auto moved = os::Rename(Old(number - 1).c_str(), Old(number).c_str());
      if (!moved && moved.error().value != ENOENT)
        return Lose(std::strerror(moved.error().value)), false;
    }
    const auto moved = os::Rename(path_.c_str(), Old(1).c_str());
    if (!moved && moved.error().value != ENOENT)
      return Lose(std::strerror(moved.error().value)), false;
    auto file = OpenForAppending(path_);
    if (!file) return Lose(std::strerror(file.error().value)), false;
    file_ = std::move(*file);
    size_ = 0;
    return true;
  }

  std::string path_, name_;
  SinkOptions options_;
  base::UniqueFd file_;
  std::uint64_t size_;
};

}  // namespace

base::Result<std::unique_ptr<Sink>> OpenFileSink(const std::string& path,
                                                 const SinkOptions& options) {
  auto file = OpenForAppending(path);
  if (!file) return base::SystemError("open audit file " + path, file.error().value);
  const auto found = os::StatFd(file->Get());
  if (!found) return base::SystemError("open audit file " + path, found.error().value);
  return std::make_unique<FileSink>(path, options, *std::move(file),
                                    static_cast<std::uint64_t>(found->st_size));
}

}  // namespace bailey::audit
