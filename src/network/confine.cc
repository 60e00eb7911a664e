#include "network/confine.h"

#include "os/identity.h"
#include "os/landlock.h"
#include "os/process.h"

namespace bailey::network {

os::SysStatus Confine(bool landlock) {
  if (const auto done = os::SetDumpable(false); !done) return done;
  if (const auto done = os::SetNoNewPrivileges(); !done) return done;
  if (const auto done = os::DropCapabilities(); !done) return done;
  if (!landlock) return {};
  const auto abi = os::LandlockAbi();
  if (!abi) return std::unexpected(abi.error());
  constexpr int kFirstWithScopes = 6;
  const auto ruleset = os::MakeRuleset(
      os::landlock::AllRights(*abi),
      *abi >= kFirstWithScopes ? os::landlock::kScopeAbstractUnixSocket | os::landlock::kScopeSignal
                               : 0);
  if (!ruleset) return std::unexpected(ruleset.error());
  return os::Restrict(ruleset->Get());
}

}  // namespace bailey::network
