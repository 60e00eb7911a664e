#include "agent/workspace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace bailey::agent {

namespace fs = std::filesystem;

base::Result<Workspace> Workspace::Look(const std::string& path, const std::string& except,
                                        std::size_t most) {
  Workspace found;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(path, options, error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().string();
    if (at->path().filename() == ".git") at.disable_recursion_pending();
    if (file == except) continue;
    struct stat status = {};
    if (::lstat(file.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) continue;
    if (found.files_.size() == most) {
      found.is_whole_ = false;
      return found;
    }
    found.files_[file.substr(path.size() + 1)] = {
        status.st_ino, static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec,
        status.st_mtim.tv_nsec, status.st_mode};
  }
  if (error) return base::SystemError("look through " + base::Escape(path), error.value());
  return found;
}

std::vector<std::string> Workspace::Differences(const Workspace& before, const Workspace& after) {
  std::map<std::string, std::string> lines;
  for (const auto& [name, file] : before.files_) {
    const auto now = after.files_.find(name);
    if (now == after.files_.end()) {
      lines[name] = "removed";
    } else if (now->second != file) {
      lines[name] = "changed";
    }
  }
  for (const auto& [name, file] : after.files_)
    if (!before.files_.contains(name)) lines[name] = "made";
  std::vector<std::string> differences;
  for (const auto& [name, what] : lines)
    differences.push_back(fmt::format("{} {}", what, base::Escape(name)));
  return differences;
}

}  // namespace bailey::agent
