#include <fcntl.h>
#include <unistd.h>

int Start(const char* root, char** argv) {
  int directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || fchdir(directory) != 0) return -1;
  int tty = open("/dev/tty", O_RDWR);
  if (tty < 0) return -1;
  close(tty);
  execv(argv[0], argv);
  return -1;
}

int StartAll(char** argv) {
  int log = open("/var/log/box", O_WRONLY);
  if (log < 0 || close_range(3, ~0U, 0) != 0) return -1;
  return execv(argv[0], argv);
}

int Open(void) {
  int fd = open("/dev/null", O_RDWR);
  return fd;
}
