#include <stdio.h>

struct Call {
  const char* name;
  int number;
};
static const struct Call kCalls[] = {{"read", 0}, {"write", 1}};

void Write(FILE* out, int cpus, const char* path) {
  fprintf(out, "{\"cpus\": %d}\n", cpus);
  fprintf(out, "{\"call\": \"%s\"}\n", kCalls[0].name);
  fprintf(out, "path: \"%s\"\n", path);
  char escaped[512];
  fprintf(out, "{\"path\": \"%s\"}\n", json_escape(escaped, path));
}
