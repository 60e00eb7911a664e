#include <stdio.h>
#include <stdlib.h>

int Remove(const char* bridge) {
  char command[128];
  snprintf(command, sizeof(command), "ip link del %s", bridge);
  return system(command); /* found */
}
