#include <fcntl.h>
#include <unistd.h>

int Redirect(const char* path, char** argv) {
  int fd = open(path, O_WRONLY | O_TRUNC);
  if (fd < 0 || dup2(fd, 1) != 1) return -1;
  return execv(argv[0], argv);
}

int Name(const char* path, char** argv) {
  char number[16];
  int fd = open(path, O_RDONLY);
  snprintf(number, sizeof(number), "%d", fd);
  argv[1] = number;
  return execv(argv[0], argv);
}
