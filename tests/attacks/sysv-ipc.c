// Attaches a shared memory segment of the host.
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "attack.h"

void Attack(void) {
  int segment = shmget((key_t)strtol(Given("shm-key"), NULL, 0), 0, 0);
  if (segment >= 0) Escaped("found the segment with key %s", Given("shm-key"));
  Refused("shmget %s", Given("shm-key"));
  AllRefused();
}
