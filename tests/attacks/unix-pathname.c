// Connects to a unix socket of the host that lies in a directory shown read-only.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attack.h"

void Attack(void) {
  const int types[] = {SOCK_STREAM, SOCK_DGRAM};
  const char* const paths[] = {Given("socket"), Given("datagram-socket")};
  for (size_t i = 0; i < 2; ++i) {
    int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      Refused("socket AF_UNIX");
      continue;
    }
    struct sockaddr_un host = {.sun_family = AF_UNIX};
    snprintf(host.sun_path, sizeof(host.sun_path), "%s", paths[i]);
    if (connect(fd, (struct sockaddr*)&host, sizeof(host)) == 0) {
      Escaped("connected to %s", paths[i]);
    }
    Refused("connect %s", paths[i]);
    if (types[i] == SOCK_DGRAM) {
      if (sendto(fd, "x", 1, 0, (struct sockaddr*)&host, sizeof(host)) == 1) {
        Escaped("sent a datagram to %s", paths[i]);
      }
      Refused("sendto %s", paths[i]);
    }
  }
  AllRefused();
}
