#include <stdio.h>

void Write(FILE* out, const char* image_path) {
  fprintf(out, "{\"drive\": {\"path\": \"%s\", \"read_only\": true}}\n", image_path); /* found */
}
