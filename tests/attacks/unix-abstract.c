// Connects to a unix socket of the host that has an abstract name, and so no file.
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attack.h"

void Attack(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    Refused("socket AF_UNIX");
    AllRefused();
  }
  const char* name = Given("abstract");
  struct sockaddr_un host = {.sun_family = AF_UNIX};
  strncpy(host.sun_path + 1, name, sizeof(host.sun_path) - 2);
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  if (connect(fd, (struct sockaddr*)&host, length) == 0) Escaped("connected to @%s", name);
  Refused("connect @%s", name);
  AllRefused();
}
