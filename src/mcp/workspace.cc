#include "mcp/workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "os/beneath.h"
#include "os/file.h"

namespace bailey::mcp {
namespace {

using Names = std::vector<std::string_view>;

base::Error Failed(std::string_view verb, const std::string& path, int number) {
  const std::string text = fmt::format("{} {}", verb, base::Escape(path));
  if (number == EXDEV)
    return base::InvalidInput(text + ": it leads out of the workspace; name a path inside");
  return base::SystemError(text, number);
}

bool IsWithin(std::string_view path, std::string_view above) {
  return path.starts_with(above) &&
         (above == "/" || path.size() == above.size() || path[above.size()] == '/');
}

bool Matches(std::span<const std::string_view> pattern, std::span<const std::string_view> path) {
  if (pattern.empty()) return true;  // the path, or what lies below it
  if (pattern[0] == "**") {
    for (std::size_t skipped = 0; skipped <= path.size(); ++skipped)
      if (Matches(pattern.subspan(1), path.subspan(skipped))) return true;
    return false;
  }
  if (path.empty()) return false;
  const bool same =
      ::fnmatch(std::string(pattern[0]).c_str(), std::string(path[0]).c_str(), 0) == 0;
  return same && Matches(pattern.subspan(1), path.subspan(1));
}

}  // namespace

bool IsHiddenBy(const std::vector<std::string>& hide, std::string_view path) {
  const Names names = base::Split(path, '/');
  return std::ranges::any_of(hide, [&](const std::string& entry) {
    if (entry.find_first_of("*?") == std::string::npos) return IsWithin(path, entry);
    return Matches(base::Split(entry, '/'), names);
  });
}

base::Result<Workspace> Workspace::Open(const std::string& directory, WorkspaceRules rules) {
  auto opened = os::Open(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY);
  if (!opened) return Failed("open workspace", directory, opened.error().value);
  auto real = os::PathOf(opened->Get());
  if (!real) return Failed("look at workspace", directory, real.error().value);
  return Workspace(*std::move(real), *std::move(opened), std::move(rules));
}

std::string Workspace::Relative(const std::string& path) const {
  if (!path.starts_with('/')) return path.empty() ? "." : path;
  if (!IsWithin(path, directory_)) return path;  // the kernel says what is wrong with it
  const std::size_t below = directory_ == "/" ? 1 : directory_.size() + 1;
  return path.size() <= below ? "." : path.substr(below);
}

bool Workspace::IsHidden(std::string_view path) const { return IsHiddenBy(rules_.hide, path); }

base::Result<base::UniqueFd> Workspace::OpenAt(const std::string& path, const std::string& verb,
                                               int flags) const {
  if (path.find('\0') != std::string::npos) return Failed(verb, path, EINVAL);
  auto opened = os::OpenBeneath(descriptor_.Get(), Relative(path).c_str(), flags);
  if (!opened) return Failed(verb, path, opened.error().value);
  const auto real = os::PathOf(opened->Get());
  if (!real) return Failed(verb, path, real.error().value);
  if (IsHidden(*real)) return Failed(verb, path, ENOENT);
  return *std::move(opened);
}

base::Result<std::string> Workspace::Read(const std::string& path) const {
  // Not blocking: a FIFO would wait for its writer.
  const auto file = OpenAt(path, "read", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return file.error();
  const auto found = os::StatFd(file->Get());
  if (!found) return Failed("read", path, found.error().value);
  if (S_ISDIR(found->st_mode)) return Failed("read", path, EISDIR);
  if (!S_ISREG(found->st_mode))
    return base::InvalidInput(fmt::format("read {}: it is no regular file", base::Escape(path)));
  auto text = os::ReadAll(file->Get(), kMostBytes);
  if (!text && text.error().value == EFBIG) {
    return base::InvalidInput(
        fmt::format("read {}: it is longer than {} bytes", base::Escape(path), kMostBytes));
  }
  if (!text) return Failed("read", path, text.error().value);
  return *std::move(text);
}

base::Status Workspace::Write(const std::string& path, std::string_view text) const {
  const std::string relative = Relative(path);
  const std::size_t slash = relative.rfind('/');
  const std::string name = relative.substr(slash == std::string::npos ? 0 : slash + 1);
  if (name.empty() || name == "." || name == ".." || path.find('\0') != std::string::npos)
    return Failed("write", path, EISDIR);
  const auto directory = OpenAt(slash == std::string::npos ? "." : relative.substr(0, slash + 1),
                                "write", O_RDONLY | O_DIRECTORY);
  if (!directory)
    return Failed("write", path,
                  directory.error().system_errno == 0 ? EXDEV : directory.error().system_errno);
  const auto real = os::PathOf(directory->Get());
  if (!real) return Failed("write", path, real.error().value);
  const std::string target = fmt::format("{}/{}", *real, name);
  if (IsHidden(target)) return Failed("write", path, EACCES);
  const auto covers = [&](const std::string& above) { return IsWithin(target, above); };
  if (std::ranges::none_of(rules_.write, covers)) return Failed("write", path, EROFS);
  const auto old = os::Stat(directory->Get(), name.c_str(), false);
  if (old && !S_ISREG(old->st_mode)) {
    return base::InvalidInput(
        fmt::format("write {}: it is there, and no regular file", base::Escape(path)));
  }
  const std::string beside =
      fmt::format(".bailey-{}-{:x}", ::getpid(), reinterpret_cast<std::uintptr_t>(&text));
  const auto file = os::Open(directory->Get(), beside.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (!file) return Failed("write", path, file.error().value);
  auto done = os::WriteAll(file->Get(), text);
  if (done && old) done = os::ChangeMode(file->Get(), old->st_mode & 0777);
  if (done) done = os::RenameIn(directory->Get(), beside.c_str(), name.c_str());
  if (done) return {};
  (void)os::RemoveFile(directory->Get(), beside.c_str());  // the first error is the one to say
  return Failed("write", path, done.error().value);
}

base::Result<std::size_t> Workspace::Edit(const std::string& path, std::string_view old_text,
                                          std::string_view new_text, bool all) const {
  const auto text = Read(path);
  if (!text) return text.error();
  if (old_text.empty())
    return base::InvalidInput(fmt::format("edit {}: the old text is empty", base::Escape(path)));
  std::string edited;
  std::size_t times = 0, at = 0;
  for (std::size_t found; (found = text->find(old_text, at)) != std::string::npos; ++times) {
    edited.append(*text, at, found - at).append(new_text);
    at = found + old_text.size();
  }
  edited.append(*text, at);
  if (times == 0 || (times > 1 && !all)) {
    return base::InvalidInput(fmt::format(
        "edit {}: the old text stands in it {} times, not once; {}", base::Escape(path), times,
        times == 0 ? "read it again" : "name more of what is around it, or say \"all\""));
  }
  if (const auto written = Write(path, edited); !written) return written.error();
  return times;
}

base::Result<std::vector<Entry>> Workspace::List(const std::string& path) const {
  const auto directory = OpenAt(path, "list", O_RDONLY | O_DIRECTORY);
  if (!directory) return directory.error();
  const auto real = os::PathOf(directory->Get());
  const auto names = os::Names(directory->Get());
  if (!real || !names) return Failed("list", path, real ? names.error().value : real.error().value);
  std::vector<Entry> entries;
  for (const std::string& name : *names) {
    if (IsHidden(fmt::format("{}/{}", *real == "/" ? "" : *real, name))) continue;
    const auto found = os::Stat(directory->Get(), name.c_str(), false);
    if (!found) continue;  // gone meanwhile
    const char* const kind = S_ISREG(found->st_mode)   ? "file"
                             : S_ISDIR(found->st_mode) ? "directory"
                             : S_ISLNK(found->st_mode) ? "link"
                                                       : "other";
    entries.push_back({name, kind, static_cast<std::uint64_t>(found->st_size)});
  }
  return entries;
}

}  // namespace bailey::mcp
