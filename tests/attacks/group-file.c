// Reads a file that only the caller's supplementary group may read, in a directory that is shown.
#include "attack.h"

void Attack(void) {
  if (Given("group-file")[0] == '\0') CannotBeTried("only root can give the caller another group");
  TryRead(Given("group-file"));
  AllRefused();
}
