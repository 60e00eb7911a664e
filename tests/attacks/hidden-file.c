// Reaches a file that the policy hides inside the workspace.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  TryRead("hidden/key");
  TryRead("/proc/self/cwd/hidden/key");
  int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = openat(directory, "hidden/key", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) Escaped("opened hidden/key below a descriptor of the workspace");
  Refused("openat hidden/key");
  if (rename("hidden", "unhidden") == 0) {
    TryRead("unhidden/key");
    rename("unhidden", "hidden");
  } else {
    Refused("rename hidden");
  }
  if (link("hidden/key", "second-name") == 0) TryRead("second-name");
  Refused("link hidden/key");
  AllRefused();
}
