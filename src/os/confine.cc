#include "os/confine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "os/file.h"
#include "os/identity.h"
#include "os/landlock.h"
#include "os/process.h"

namespace bailey::os {

SysStatus Confine(bool landlock) { return ConfineToReading(landlock, {}); }

SysStatus ConfineToReading(bool landlock, std::span<const char* const> paths) {
  if (const auto done = SetDumpable(false); !done) return done;
  if (const auto done = SetNoNewPrivileges(); !done) return done;
  if (const auto done = DropCapabilities(); !done) return done;
  if (!landlock) return {};
  const auto abi = LandlockAbi();
  if (!abi) return std::unexpected(abi.error());
  constexpr int kFirstWithScopes = 6;
  const auto ruleset = MakeRuleset(
      landlock::AllRights(*abi),
      *abi >= kFirstWithScopes ? landlock::kScopeAbstractUnixSocket | landlock::kScopeSignal : 0);
  if (!ruleset) return std::unexpected(ruleset.error());
  for (const char* path : paths) {
    const auto place = Open(AT_FDCWD, path, O_PATH);
    if (!place && place.error().value == ENOENT) continue;
    if (!place) return std::unexpected(place.error());
    constexpr std::uint64_t kReading = landlock::kReadFile | landlock::kReadDirectory;
    const auto found = StatFd(place->Get());
    if (!found) return std::unexpected(found.error());
    const std::uint64_t rights = S_ISDIR(found->st_mode) ? kReading : landlock::kReadFile;
    if (const auto added = AddRule(ruleset->Get(), place->Get(), rights); !added) return added;
  }
  return Restrict(ruleset->Get());
}

}  // namespace bailey::os
