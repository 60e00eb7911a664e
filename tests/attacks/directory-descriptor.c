// Standard input is a directory outside: climbs from there to everything above it. Mounts do not
// hold what was opened before them, and Landlock says nothing about modes and owners.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const char* const secrets[] = {"victim", "../home/.ssh/id_ed25519", "../../../../etc/passwd"};
  for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); ++i) {
    if (openat(0, secrets[i], O_RDONLY | O_CLOEXEC) >= 0) Escaped("opened %s below it", secrets[i]);
    Refused("openat %s", secrets[i]);
  }
  struct stat status;
  if (fstatat(0, "victim", &status, 0) == 0) Escaped("looked at %s below it", "victim");
  Refused("fstatat victim");
  if (fchmodat(0, "victim", 0600, 0) == 0) Escaped("changed the mode of %s", "victim");
  Refused("fchmodat victim");
  if (fchdir(0) == 0) Escaped("made it the working directory");
  Refused("fchdir");
  AllRefused();
}
