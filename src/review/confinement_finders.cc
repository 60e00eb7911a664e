#include "review/confinement_find.h"
#include "review/finder.h"

namespace bailey::review {

std::span<const Finder> ConfinementFinders() {
  static constexpr Finder kFinders[] = {
      {"confinement/shared-namespaces", "Namespaces that are the host's, and what each opens.",
       FindSharedNamespaces},
      {"confinement/ways-out",
       "Sockets, secrets, start-up files, devices and kernel settings that lead out.", FindWaysOut},
      {"confinement/host-proc", "Processes of the host in /proc, and what should be masked.",
       FindHostProc},
      {"confinement/control-groups", "Control groups that can be written.", FindControlGroups},
      {"confinement/host-root", "Root of the host without a user namespace.", FindHostRoot},
      {"confinement/capabilities", "Capabilities that undo the sandbox.", FindCapabilities},
      {"confinement/privilege-gain", "Setuid programs and new user namespaces.", FindPrivilegeGain},
      {"confinement/terminal-injection", "Characters pushed into the caller's terminal.",
       FindTerminal},
      {"confinement/descriptors", "Open descriptors that lead out.", FindDescriptors},
      {"confinement/working-directory", "A directory to start in that is below /proc.",
       FindWorkingDirectory},
      {"confinement/environment", "Variables that carry secrets.", FindEnvironment},
      {"confinement/loose-settings", "Limits, propagation, profiles and devices.",
       FindLooseSettings},
  };
  return kFinders;
}

}  // namespace bailey::review
