// Reads the private key in the caller's home, by every name it has.
#include <stdio.h>
#include <stdlib.h>

#include "attack.h"

void Attack(void) {
  char path[4096];
  TryRead(Given("secret"));
  snprintf(path, sizeof(path), "/proc/self/root%s", Given("secret"));
  TryRead(path);
  if (getenv("HOME") != NULL) {
    snprintf(path, sizeof(path), "%s/.ssh/id_ed25519", getenv("HOME"));
    TryRead(path);
  }
  AllRefused();
}
