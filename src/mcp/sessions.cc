#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "mcp/run_tool.h"

namespace bailey::mcp {

// Below the user's cache, and not below /tmp, which policies cover with a tmpfs.
base::Result<Sessions> Sessions::Open() {
  const char* const home = std::getenv("HOME");
  if (!home || *home != '/') return base::Unsupported("find a place for sessions: HOME is not set");
  const std::string parent = fmt::format("{}/.cache/bailey/sessions", home);
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) return base::SystemError("make " + parent, error.value());
  return Sessions(parent);
}

Sessions::~Sessions() {
  if (!state_) return;
  for (const auto& [name, directory] : state_->directories) {
    std::error_code error;  // what cannot be removed is left: there is nobody to tell
    std::filesystem::remove_all(directory, error);
  }
}

base::Result<std::string> Sessions::Start() {
  std::string directory = fmt::format("{}/{}-XXXXXX", place_, ::getpid());
  if (::mkdtemp(directory.data()) == nullptr)
    return base::SystemError("make a session in " + place_, errno);
  const std::string name = directory.substr(directory.rfind('/') + 1);
  const std::scoped_lock lock(state_->mutex);
  state_->directories.emplace(name, directory);
  return name;
}

std::optional<std::string> Sessions::Find(const std::string& name) {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->directories.find(name);
  if (found == state_->directories.end()) return std::nullopt;
  return found->second;
}

bool Sessions::End(const std::string& name) {
  const std::scoped_lock lock(state_->mutex);
  const auto found = state_->directories.find(name);
  if (found == state_->directories.end()) return false;
  std::error_code error;
  std::filesystem::remove_all(found->second, error);
  state_->directories.erase(found);
  return true;
}

}  // namespace bailey::mcp
