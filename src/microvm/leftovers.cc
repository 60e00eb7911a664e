#include "microvm/leftovers.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/text.h"
#include "os/file.h"
#include "os/tree.h"
#include "sandbox/state.h"

namespace bailey::microvm {

os::SysResult<base::UniqueFd> OpenMachine(int place, const std::string& id) {
  return os::Open(place, id.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

bool IsStill(int place, const std::string& id, int directory) {
  const auto named = os::Stat(place, id.c_str(), false);
  const auto held = os::StatFd(directory);
  return named && held && named->st_dev == held->st_dev && named->st_ino == held->st_ino;
}

base::Result<std::vector<std::string>> CollectMachines() {
  std::vector<std::string> removed;
  for (const base::UniqueFd& place : sandbox::FindState(kMachines)) {
    const auto names = os::Names(place.Get());
    if (!names) return base::SystemError("look for machines", names.error().value);
    for (const std::string& name : *names) {
      const auto directory = OpenMachine(place.Get(), name);
      if (!directory) continue;
      const auto locked = os::TryLock(directory->Get(), os::Lock::kExclusive);
      if (!locked || !*locked || !IsStill(place.Get(), name, directory->Get())) continue;
      if (const auto gone = os::RemoveTree(place.Get(), name); !gone) {
        return base::SystemError(
            fmt::format("remove what is left of machine {}", base::Escape(name)),
            gone.error().value);
      }
      removed.push_back(name);
    }
  }
  return removed;
}

}  // namespace bailey::microvm
