#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int Save(int pid) {
  char path[64];
  snprintf(path, sizeof(path), "/tmp/box-%d.state", pid); /* found */
  return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

FILE* Log(void) { return fopen("/tmp/box.log", "a"); } /* found */

char* Name(char* template) { return mktemp(template); } /* found */
