#include "sandbox/host_path.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/text.h"

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

std::string Parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == 0 || slash == std::string_view::npos) return "/";
  return std::string(path.substr(0, slash));
}

std::string Join(std::string_view directory, std::string_view name) {
  return directory == "/" ? fmt::format("/{}", name) : fmt::format("{}/{}", directory, name);
}

base::Result<HostPath> ResolveHostPath(std::string_view path) {
  HostPath result;
  result.real = "/";
  // Components still to walk, the next one last.
  std::vector<std::string> pending;
  const auto push = [&pending](std::string_view text) {
    const auto parts = base::Split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
      if (!part->empty() && *part != ".") pending.emplace_back(*part);
  };
  push(path);
  int links = 0;
  while (!pending.empty()) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    if (name == "..") {
      result.real = Parent(result.real);
      continue;
    }
    const std::string next = Join(result.real, name);
    std::error_code error;
    const fs::file_status status = fs::symlink_status(next, error);
    if (status.type() == fs::file_type::not_found) return CannotShow(path, ENOENT);
    if (error) return CannotShow(path, error.value());
    if (status.type() != fs::file_type::symlink) {
      result.real = next;
      continue;
    }
    if (++links > kMaxLinks) return CannotShow(path, ELOOP);
    const std::string text = fs::read_symlink(next, error).string();
    if (error) return CannotShow(path, error.value());
    result.links[next] = text;
    if (text.starts_with('/')) result.real = "/";
    push(text);
  }
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
