// Overwrites the launcher's own executable while it runs, through /proc (CVE-2019-5736).
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  char parent[64];
  snprintf(parent, sizeof(parent), "/proc/%d/exe", (int)OuterParent());
  const char* const names[] = {"/proc/1/exe", parent};
  for (size_t i = 0; i < 2; ++i) {
    int fd = open(names[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      Refused("open %s", names[i]);
      continue;
    }
    char again[64];
    snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
    int writable = open(again, O_WRONLY | O_CLOEXEC);
    // ETXTBSY only says: wait until the launcher has ended.
    if (writable >= 0 || errno == ETXTBSY) Escaped("reached the executable behind %s", names[i]);
    Refused("reopen %s for writing", names[i]);
  }
  AllRefused();
}
