#include "sandbox/host_path.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/text.h"
#include "os/file.h"

namespace bailey::sandbox {
namespace {

namespace fs = std::filesystem;

// The kernel's own limit on symlinks in one lookup (include/linux/namei.h, MAXSYMLINKS).
constexpr int kMaxLinks = 40;

base::Error CannotShow(std::string_view path, int number) {
  return base::SystemError(fmt::format("show {}", base::Escape(path)), number);
}

}  // namespace

bool IsWithin(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return path.starts_with('/');
  if (!path.starts_with(ancestor)) return false;
  return path.size() == ancestor.size() || path[ancestor.size()] == '/';
}

std::string_view Parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == 0 || slash == std::string_view::npos) return "/";
  return path.substr(0, slash);
}

std::string Join(std::string_view directory, std::string_view name) {
  std::string joined(directory);
  if (directory != "/") joined += '/';
  return joined += name;
}

const HostPaths::Entry& HostPaths::Look(const std::string& path) {
  const auto [place, is_new] = entries_.try_emplace(path);
  Entry& entry = place->second;
  if (!is_new) return entry;
  const auto found = os::Stat(AT_FDCWD, path.c_str(), false);
  if (!found) {
    entry.error = found.error().value;
    return entry;
  }
  entry.status = *found;
  if (!S_ISLNK(found->st_mode)) return entry;
  auto text = os::ReadLink(AT_FDCWD, path.c_str());
  if (text) entry.link = std::move(*text);
  if (!text) entry.error = text.error().value;
  return entry;
}

base::Result<HostPath> HostPaths::Resolve(std::string_view path) {
  HostPath result;
  // Components still to walk, the next one last.
  std::vector<std::string> pending;
  const auto push = [&pending](std::string_view text) {
    const auto parts = base::Split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
      if (!part->empty() && *part != ".") pending.emplace_back(*part);
  };
  push(path);
  // `real` is "" for the root until the end, so that a name is always appended with its slash.
  int links = 0;
  while (!pending.empty()) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    if (name == "..") {
      result.real.resize(result.real.empty() ? 0 : result.real.rfind('/'));
      continue;
    }
    std::string next = result.real + '/' + name;
    const Entry& entry = Look(next);
    if (entry.error == ENOTDIR) return CannotShow(path, ENOENT);
    if (entry.error != 0) return CannotShow(path, entry.error);
    if (!S_ISLNK(entry.status.st_mode)) {
      result.real = std::move(next);
      continue;
    }
    if (++links > kMaxLinks) return CannotShow(path, ELOOP);
    if (entry.link.starts_with('/')) result.real.clear();
    push(entry.link);
    result.links[std::move(next)] = entry.link;
  }
  if (result.real.empty()) result.real = "/";
  // After ".." or a link it is not the last one that was looked at.
  const Entry& entry = Look(result.real);
  if (entry.error != 0) return CannotShow(path, entry.error);
  result.status = entry.status;
  return result;
}

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
  std::size_t seen = 0;
  for (const std::string& root : roots) {
    std::error_code error;
    auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator it(root, options, error), end; !error && it != end;
         it.increment(error)) {
      if (++seen > limit) {
        return base::InvalidInput(
            fmt::format("hide {}: more than {} files to look through below {}",
                        base::Escape(pattern), limit, base::Escape(root)));
      }
      const std::string path = it->path().string();
      if (!Matches(pattern, path)) continue;
      found.push_back(path);
      if (it->is_directory(error)) it.disable_recursion_pending();
    }
    if (error && error.value() != ENOENT)
      return base::SystemError(fmt::format("hide {}", base::Escape(pattern)), error.value());
  }
  return found;
}

}  // namespace bailey::sandbox
