// Moves a file between what may be read and what may be written.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (rename(Given("readonly"), "moved") == 0) {
    rename("moved", Given("readonly"));
    Escaped("moved %s into the workspace", Given("readonly"));
  }
  Refused("rename %s", Given("readonly"));
  int fd = open("planted", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    Refused("create planted");
    AllRefused();
  }
  if (rename("planted", Given("planted")) == 0) {
    unlink(Given("planted"));
    Escaped("moved a file to %s", Given("planted"));
  }
  Refused("rename to %s", Given("planted"));
  unlink("planted");
  AllRefused();
}
