#include <fcntl.h>
#include <unistd.h>

int Start(const char* root, char** argv) {
  int directory = open(root, O_RDONLY | O_DIRECTORY); /* found */
  if (directory < 0) return -1;
  if (fchdir(directory) != 0) return -1;
  execv(argv[0], argv);
  return -1;
}
