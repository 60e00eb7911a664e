#include "pool/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "os/file.h"

namespace bailey::pool {
namespace {

base::Error Foreign(const std::string& path) {
  return base::Violation(fmt::format(
      "open {}: it is not a directory of this user alone, so a pool in it may be another user's",
      path));
}

base::Result<std::string> Parent() {
  // Of another user, as after su(1), it is refused below.
  const char* const given = std::getenv("XDG_RUNTIME_DIR");
  if (given && *given == '/') return std::string(given);
  if (::geteuid() == 0) return std::string("/run");
  return base::Unsupported("find a directory for pools: XDG_RUNTIME_DIR is not set");
}

// Only its owner and root can change what is in it.
base::Status CheckOwner(const base::UniqueFd& directory, const std::string& path, mode_t forbidden,
                        bool may_be_roots) {
  const auto found = os::StatFd(directory.Get());
  if (!found) return base::SystemError("look at " + path, found.error().value);
  const bool owned = found->st_uid == ::geteuid() || (may_be_roots && found->st_uid == 0);
  if (!S_ISDIR(found->st_mode) || !owned || (found->st_mode & forbidden) != 0) return Foreign(path);
  return {};
}

base::Status Enter(Directory& at, const char* name, bool make) {
  at.path += fmt::format("/{}", name);
  if (make) {
    const auto made = os::MakeDirectory(at.descriptor.Get(), name, 0700);
    if (!made && made.error().value != EEXIST)
      return base::SystemError("make " + at.path, made.error().value);
  }
  auto opened = os::Open(at.descriptor.Get(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return base::SystemError("open " + at.path, opened.error().value);
  at.descriptor = *std::move(opened);
  return CheckOwner(at.descriptor, at.path, 077, false);
}

}  // namespace

base::Result<Directory> OpenDirectory(bool make, const char* kind) {
  const auto parent = Parent();
  if (!parent) return parent.error();
  auto opened = os::Open(AT_FDCWD, parent->c_str(), O_PATH | O_DIRECTORY);
  if (!opened) return base::SystemError("open " + *parent, opened.error().value);
  Directory directory = {*parent, *std::move(opened)};
  if (const auto checked = CheckOwner(directory.descriptor, directory.path, 022, true); !checked)
    return checked.error();
  for (const char* const name : {"bailey", kind})
    if (const auto entered = Enter(directory, name, make); !entered) return entered.error();
  return directory;
}

base::Result<Place> OpenPlace(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  auto opened = os::Open(AT_FDCWD, parent.c_str(), O_PATH | O_DIRECTORY);
  if (!opened) return base::SystemError("open " + parent, opened.error().value);
  if (const auto checked = CheckOwner(*opened, parent, 077, false); !checked)
    return checked.error();
  return Place{*std::move(opened), path.substr(slash + 1)};
}

}  // namespace bailey::pool
