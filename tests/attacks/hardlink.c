// Gives a file that may only be read a second name in the workspace, and writes through that.
#include <fcntl.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const char* const targets[] = {Given("readonly"), Given("victim")};
  for (size_t i = 0; i < 2; ++i) {
    unlink("hard-link");
    if (link(targets[i], "hard-link") == 0) {
      int fd = open("hard-link", O_WRONLY | O_CLOEXEC);
      unlink("hard-link");
      if (fd >= 0) Escaped("opened %s for writing by a second name", targets[i]);
      Refused("open the link for writing");
    } else {
      Refused("link %s", targets[i]);
    }
  }
  AllRefused();
}
