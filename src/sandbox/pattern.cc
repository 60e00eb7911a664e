#include "sandbox/pattern.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "os/file.h"

namespace bailey::sandbox {
namespace {

// One search below one root. It is part of every start of a sandbox, in trees of any size: four
// system calls a directory, and a path is put together only for a name that fits.
class Search {
 public:
  Search(std::string_view pattern, std::string_view root, std::size_t limit,
         std::vector<std::string>& found)
      : pattern_(pattern),
        name_(pattern.substr(pattern.rfind('/') + 1)),
        spans_(pattern.find("**") != std::string_view::npos),
        depth_(std::ranges::count(pattern, '/')),
        limit_(limit),
        seen_(0),
        path_(root == "/" ? "" : root),
        found_(found) {}

  // EOVERFLOW where there are too many entries.
  os::SysStatus Run() {
    const auto top = os::Open(AT_FDCWD, path_.empty() ? "/" : path_.c_str(), kFlags);
    if (!top) return IsLeftOut(top.error().value) ? os::SysStatus() : os::Fail(top.error().value);
    return Enter(top->Get());
  }

 private:
  static constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

  // ENOENT: it went while we looked.
  static bool IsLeftOut(int error) { return error == EACCES || error == ENOENT; }

  os::SysStatus Enter(int directory) {
    std::vector<std::string> below;
    bool is_too_much = false;
    const auto read = os::ForEachEntry(directory, [&](const char* name, os::EntryType type) {
      is_too_much = is_too_much || ++seen_ > limit_;
      if (is_too_much) return;
      if (Matches(name_, name)) {
        const std::string path = path_ + '/' + name;
        if (Matches(pattern_, path)) return found_.push_back(path);
      }
      if (type != os::EntryType::kOther) below.emplace_back(name);
    });
    // Of /proc some directories can be opened, and not read.
    if (!read) return IsLeftOut(read.error().value) ? os::SysStatus() : read;
    if (is_too_much) return os::Fail(EOVERFLOW);
    if (!spans_ && std::ranges::count(path_, '/') + 1 >= depth_) return {};
    for (const std::string& name : below) {
      const auto child = os::Open(directory, name.c_str(), kFlags);
      if (!child) {
        // ENOTDIR, ELOOP: the file system did not say what it is.
        const int error = child.error().value;
        if (IsLeftOut(error) || error == ENOTDIR || error == ELOOP) continue;
        return std::unexpected(child.error());
      }
      const std::size_t size = path_.size();
      path_ += '/' + name;
      const auto done = Enter(child->Get());
      path_.resize(size);
      if (!done) return done;
    }
    return {};
  }

  std::string_view pattern_, name_;
  bool spans_;
  std::ptrdiff_t depth_;
  std::size_t limit_, seen_;
  std::string path_;  // of the directory that is looked through
  std::vector<std::string>& found_;
};

}  // namespace

bool HasWildcard(std::string_view path) {
  return path.find_first_of("*?") != std::string_view::npos;
}

bool Matches(std::string_view pattern, std::string_view path) {
  if (pattern.empty()) return path.empty();
  if (pattern.starts_with("**/")) {
    // Zero or more whole directories.
    const std::string_view rest = pattern.substr(3);
    if (Matches(rest, path)) return true;
    for (std::size_t i = 0; i < path.size(); ++i)
      if (path[i] == '/' && Matches(rest, path.substr(i + 1))) return true;
    return false;
  }
  if (pattern == "**") return true;
  if (pattern.front() == '*') {
    for (std::size_t i = 0;; ++i) {
      if (Matches(pattern.substr(1), path.substr(i))) return true;
      if (i == path.size() || path[i] == '/') return false;
    }
  }
  if (path.empty()) return false;
  if (pattern.front() == '?' ? path.front() == '/' : pattern.front() != path.front()) return false;
  return Matches(pattern.substr(1), path.substr(1));
}

base::Result<std::vector<std::string>> FindMatches(std::string_view pattern,
                                                   const std::vector<std::string>& roots,
                                                   std::size_t limit) {
  std::vector<std::string> found;
  for (const std::string& root : roots) {
    const auto done = Search(pattern, root, limit, found).Run();
    if (done) continue;
    if (done.error().value == EOVERFLOW) {
      return base::InvalidInput(fmt::format("hide {}: more than {} files to look through below {}",
                                            base::Escape(pattern), limit, base::Escape(root)));
    }
    return base::SystemError(fmt::format("hide {}", base::Escape(pattern)), done.error().value);
  }
  return found;
}

}  // namespace bailey::sandbox
