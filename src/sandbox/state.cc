#include "sandbox/state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/file.h"

namespace bailey::sandbox {
namespace {

// What no call in OpenOwn answers: there is a directory, and it is not its owner's alone.
constexpr int kNotOurs = EXDEV;

// Reasons to look for another place. Any other failure is one.
bool IsUnusable(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EACCES ||
         error == EROFS || error == kNotOurs;
}

std::vector<std::string> Places() {
  std::vector<std::string> places;
  if (::geteuid() == 0) places.emplace_back("/run/bailey");
  const char* const runtime = ::secure_getenv("XDG_RUNTIME_DIR");
  if (runtime && *runtime == '/') places.push_back(std::string(runtime) + "/bailey");
  // Others may make names in /tmp, too: one that is not ours alone is refused.
  places.push_back(fmt::format("/tmp/bailey-{}", ::geteuid()));
  return places;
}

os::SysResult<base::UniqueFd> OpenOwn(int parent, const char* name, bool make) {
  if (make) {
    const auto made = os::MakeDirectory(parent, name, 0700);
    if (!made && made.error().value != EEXIST) return std::unexpected(made.error());
  }
  auto opened = os::Open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!opened) return opened;
  const auto found = os::StatFd(opened->Get());
  if (!found) return std::unexpected(found.error());
  if (found->st_uid != ::geteuid() || (found->st_mode & 077) != 0) return os::Fail(kNotOurs);
  return opened;
}

os::SysResult<base::UniqueFd> OpenPlace(const std::string& place, const std::string& name,
                                        bool make) {
  auto top = OpenOwn(AT_FDCWD, place.c_str(), make);
  if (!top) return top;
  return OpenOwn(top->Get(), name.c_str(), make);
}

}  // namespace

base::Result<base::UniqueFd> OpenState(const std::string& name) {
  base::Error error = base::Internal("");
  for (const std::string& place : Places()) {
    auto opened = OpenPlace(place, name, true);
    if (opened) return *std::move(opened);
    const int number = opened.error().value;
    error = base::SystemError(fmt::format("make {}/{}", place, name), number);
    if (number == kNotOurs) {
      error = base::InvalidInput(
          fmt::format("use {}: it is somebody else's, or others may look into it", place));
    }
    if (!IsUnusable(number)) return error;
  }
  return error;
}

std::vector<base::UniqueFd> FindState(const std::string& name) {
  std::vector<base::UniqueFd> found;
  for (const std::string& place : Places())
    if (auto opened = OpenPlace(place, name, false)) found.push_back(*std::move(opened));
  return found;
}

}  // namespace bailey::sandbox
