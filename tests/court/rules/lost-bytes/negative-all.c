#include <stdio.h>

int ReadAll(int fd, void (*take)(const char*)) {
  char line[256];
  FILE* in = fdopen(fd, "r");
  if (in == NULL) return -1;
  while (fgets(line, sizeof(line), in) != NULL) take(line);
  return fclose(in);
}

FILE* Open(int fd) { return fdopen(fd, "r"); }
