#include <string.h>

int IsInside(const char* path, const char* root) {
  size_t length = strlen(root);
  if (strncmp(path, root, strlen(root)) != 0) return 0;
  return path[length] == '/' || path[length] == 0;
}

int IsProc(const char* path) { return strncmp(path, "/proc/", 6) == 0; }

int IsOption(const char* argument, const char* name) {
  return strncmp(argument, name, strlen(name)) == 0;
}
