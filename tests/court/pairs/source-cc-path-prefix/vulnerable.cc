// Files that a tool server may touch: everything below the directories it was given.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

namespace fs = std::filesystem;

class Files {
 public:
  explicit Files(std::vector<fs::path> allowed) : allowed_(std::move(allowed)) {}

  std::expected<std::string, std::string> Read(const std::string& request) const;
  std::expected<void, std::string> Write(const std::string& request, std::string_view text) const;

 private:
  std::expected<fs::path, std::string> Resolve(const std::string& request) const;
  bool IsAllowed(const fs::path& path) const;

  std::vector<fs::path> allowed_;
};

namespace {

// Schemes are text and nothing else: "file:///x" is one, whatever stands behind it.
bool HasScheme(std::string_view request) { return request.starts_with("file://"); }

struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

int OpenWithoutLinks(const fs::path& path, unsigned flags, unsigned mode) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

}  // namespace

bool Files::IsAllowed(const fs::path& path) const {
  const std::string text = path.string();
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const fs::path& directory) {
    return text.starts_with(directory.string());
  });
}

// By name only: no link is followed when the file is opened, so the name says where it is.
std::expected<fs::path, std::string> Files::Resolve(const std::string& request) const {
  const std::string name = HasScheme(request) ? request.substr(7) : request;
  if (name.empty() || name.front() != '/' || name.find('\0') != std::string::npos) {
    return std::unexpected("resolve: the path is empty, relative or has a zero in it");
  }
  const fs::path path = fs::path(name).lexically_normal();
  if (!IsAllowed(path)) return std::unexpected("resolve " + name + ": outside of what is allowed");
  return path;
}

std::expected<std::string, std::string> Files::Read(const std::string& request) const {
  auto path = Resolve(request);
  if (!path) return std::unexpected(path.error());
  const Descriptor file(OpenWithoutLinks(*path, O_RDONLY, 0));
  if (file.number < 0) return std::unexpected("open " + path->string());
  std::string text(std::size_t{1} << 20, '\0');
  const ssize_t size = read(file.number, text.data(), text.size());
  if (size < 0) return std::unexpected("read " + path->string());
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::expected<void, std::string> Files::Write(const std::string& request,
                                              std::string_view text) const {
  auto path = Resolve(request);
  if (!path) return std::unexpected(path.error());
  const Descriptor file(OpenWithoutLinks(*path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  if (file.number < 0) return std::unexpected("open " + path->string());
  if (write(file.number, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return std::unexpected("write " + path->string());
  }
  return {};
}

}  // namespace tools
