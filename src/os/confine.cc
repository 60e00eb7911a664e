#include "os/confine.h"

#include "os/identity.h"
#include "os/landlock.h"
#include "os/process.h"

namespace bailey::os {

SysStatus Confine(bool landlock) {
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
  return Restrict(ruleset->Get());
}

}  // namespace bailey::os
