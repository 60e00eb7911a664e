#include "pool/freshness.h"

#include <string_view>

#include "os/looks.h"
#include "sandbox/host_path.h"

namespace bailey::pool {
namespace {

// Of a process's own nothing changes behind its back, and /proc tells of no changes.
constexpr std::string_view kOwn = "/proc/self/";

std::set<std::string> DirectoriesOf(const os::Looks& looks) {
  sandbox::HostPaths paths;
  // What is not there was looked up, too.
  for (const std::string& name : looks.Names())
    if (!name.starts_with(kOwn)) (void)paths.Resolve(name);
  for (const std::string& directory : looks.Directories()) (void)paths.Resolve(directory);
  std::set<std::string> directories = paths.Directories();
  directories.insert(looks.Directories().begin(), looks.Directories().end());
  return directories;
}

}  // namespace

void Freshness::Watch() {
  is_current_ = false;
  if (!changes_) {
    auto changes = os::Changes::Make();
    if (!changes) return;
    changes_ = *std::move(changes);
  }
  // A directory of the same name may be another one now.
  watched_.clear();
  if (!changes_->Forget()) return;
  // What a check looks up is known after it, and watched before the next.
  constexpr int kRounds = 3;
  for (int round = 0; round < kRounds && !is_current_; ++round) {
    const std::size_t before = watched_.size();
    if (!AddDirectories()) return;
    is_current_ = watched_.size() == before;
  }
}

// False where the plan is not current, or the tree cannot be watched.
bool Freshness::AddDirectories() {
  std::set<std::string> directories;
  {
    const os::Looks looks;
    const auto current = check_();
    if (!current || !*current) return false;
    directories = DirectoriesOf(looks);
  }
  for (const std::string& directory : directories) {
    if (watched_.contains(directory)) continue;
    if (!changes_->Add(directory.c_str())) return false;
    watched_.insert(directory);
  }
  return true;
}

base::Result<bool> Freshness::IsCurrent() const {
  if (IsWatched()) return true;
  return check_();
}

}  // namespace bailey::pool
