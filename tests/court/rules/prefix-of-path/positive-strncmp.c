#include <string.h>

int IsInside(const char* resolved_path, const char* root) {
  return strncmp(resolved_path, root, strlen(root)) == 0; /* found */
}
