#include "mcp/sessions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "os/file.h"
#include "os/tree.h"

namespace bailey::mcp {
namespace {

// Below the user's cache, and not below /tmp, which policies cover with a tmpfs.
base::Result<std::string> PathOfPlace() {
  const char* const home = std::getenv("HOME");
  if (!home || *home != '/') return base::Unsupported("find a place for sessions: HOME is not set");
  return fmt::format("{}/.cache/bailey/sessions", home);
}

// The lock is held by the descriptor. None where somebody else holds it, or has removed the
// directory meanwhile.
base::UniqueFd TryTake(int place, const std::string& name) {
  auto directory = os::Open(place, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return {};
  const auto locked = os::TryLock(directory->Get(), os::Lock::kExclusive);
  const auto named = os::Stat(place, name.c_str(), false);
  const auto held = os::StatFd(directory->Get());
  const bool is_still =
      named && held && named->st_dev == held->st_dev && named->st_ino == held->st_ino;
  if (!locked || !*locked || !is_still) return {};
  return *std::move(directory);
}

// What cannot be removed is left for the next time.
std::vector<std::string> Collect(const std::string& path, int place) {
  std::vector<std::string> removed;
  for (const std::string& name : os::Names(place).value_or(std::vector<std::string>())) {
    const base::UniqueFd taken = TryTake(place, name);
    if (taken.IsOpen() && os::RemoveTree(place, name))
      removed.push_back(fmt::format("{}/{}", path, name));
  }
  return removed;
}

}  // namespace

base::Result<Sessions> Sessions::Open() {
  auto path = PathOfPlace();
  if (!path) return path.error();
  std::error_code error;
  std::filesystem::create_directories(*path, error);
  if (error) return base::SystemError("make " + *path, error.value());
  auto place = os::Open(AT_FDCWD, path->c_str(), O_RDONLY | O_DIRECTORY);
  if (!place) return base::SystemError("open " + *path, place.error().value);
  (void)Collect(*path, place->Get());
  return Sessions(*std::move(path), *std::move(place));
}

base::Result<std::string> Sessions::Start() {
  // Between making and locking, somebody who collects may have taken it for left.
  for (;;) {
    std::string directory = fmt::format("{}/{}-XXXXXX", path_, ::getpid());
    if (::mkdtemp(directory.data()) == nullptr)
      return base::SystemError("make a session in " + path_, errno);
    const std::string name = directory.substr(directory.rfind('/') + 1);
    base::UniqueFd taken = TryTake(place_.Get(), name);
    if (!taken.IsOpen()) {
      (void)os::RemoveTree(place_.Get(), name);
      continue;
    }
    const std::scoped_lock lock(state_->mutex);
    state_->locks.emplace(name, std::move(taken));
    return name;
  }
}

std::optional<std::string> Sessions::Find(const std::string& name) {
  const std::scoped_lock lock(state_->mutex);
  if (!state_->locks.contains(name)) return std::nullopt;
  return fmt::format("{}/{}", path_, name);
}

bool Sessions::End(const std::string& name) {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->locks.find(name);
  if (found == state_->locks.end()) return false;
  (void)os::RemoveTree(place_.Get(), name);
  state_->locks.erase(found);
  return true;
}

void Sessions::EndAll() {
  if (!state_) return;
  const std::scoped_lock lock(state_->mutex);
  for (const auto& [name, held] : state_->locks) (void)os::RemoveTree(place_.Get(), name);
  state_->locks.clear();
}

base::Result<std::vector<std::string>> CollectSessions() {
  const auto path = PathOfPlace();
  std::vector<std::string> removed;
  if (!path) return removed;  // who has no home has no sessions
  const auto place = os::Open(AT_FDCWD, path->c_str(), O_RDONLY | O_DIRECTORY);
  if (!place && place.error().value == ENOENT) return removed;
  if (!place) return base::SystemError("open " + *path, place.error().value);
  return Collect(*path, place->Get());
}

}  // namespace bailey::mcp
