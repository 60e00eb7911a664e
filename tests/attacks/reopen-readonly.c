// Standard input is a file opened for reading only, outside everything the policy grants: opens it
// again for writing by the names that /proc and /dev give it.
#include "attack.h"

void Attack(void) {
  TryOpenForWriting("/proc/self/fd/0");
  TryOpenForWriting("/proc/thread-self/fd/0");
  TryOpenForWriting("/dev/stdin");
  TryOpenForWriting("/dev/fd/0");
  AllRefused();
}
