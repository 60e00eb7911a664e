// Follows links in the workspace that lead out of it: one that was there, and new ones.
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  TryRead("link-to-secret");
  TryOpenForWriting("link-to-victim");
  unlink("new-link");
  if (symlink(Given("secret"), "new-link") < 0) {
    Refused("symlink");
  } else {
    TryRead("new-link");
    unlink("new-link");
  }
  AllRefused();
}
