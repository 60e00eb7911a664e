// Writes to files of the caller and of the system outside the workspace.
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  TryOpenForWriting(Given("victim"));
  TryOpenForWriting(Given("readonly"));
  TryOpenForWriting("/etc/passwd");
  TryOpenForWriting("/usr/bin/env");
  if (truncate(Given("readonly"), 0) == 0) Escaped("truncated %s", Given("readonly"));
  Refused("truncate %s", Given("readonly"));
  if (chmod(Given("readonly"), 0777) == 0) Escaped("changed the mode of %s", Given("readonly"));
  Refused("chmod %s", Given("readonly"));
  if (unlink(Given("readonly")) == 0) Escaped("deleted %s", Given("readonly"));
  Refused("unlink %s", Given("readonly"));
  AllRefused();
}
