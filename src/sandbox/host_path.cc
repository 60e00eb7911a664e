#include "sandbox/host_path.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "os/file.h"

namespace bailey::sandbox {
namespace {

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

std::set<std::string> HostPaths::Directories() const {
  std::set<std::string> directories;
  for (const auto& [path, entry] : entries_) directories.emplace(Parent(path));
  return directories;
}

}  // namespace bailey::sandbox
