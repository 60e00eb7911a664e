#include <fcntl.h>
#include <stdio.h>

int OpenLog(const char* vm_id) {
  char path[256];
  snprintf(path, sizeof(path), "/srv/vm/%s.log", vm_id);
  return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* found */
}
