// Leaves the working directory upwards (CVE-2024-21626 left it pointing outside).
#include "attack.h"

void Attack(void) {
  TryRead("../home/.ssh/id_ed25519");
  TryRead("/proc/self/cwd/../home/.ssh/id_ed25519");
  TryOpenForWriting("../outside/victim");
  AllRefused();
}
