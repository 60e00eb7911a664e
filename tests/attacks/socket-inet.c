// Connects to a server on the host's loopback, by IPv4 and IPv6, TCP and UDP.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (tcp < 0) {
    Refused("socket AF_INET stream");
  } else {
    struct sockaddr_in host = {.sin_family = AF_INET,
                               .sin_port = htons((in_port_t)atoi(Given("port"))),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(tcp, (struct sockaddr*)&host, sizeof(host)) == 0) {
      Escaped("connected to 127.0.0.1:%s", Given("port"));
    }
    Refused("connect 127.0.0.1:%s", Given("port"));
  }
  // 192.0.2.0/24 is for documentation: no answer comes, but a datagram that can be sent has left.
  int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (udp < 0) {
    Refused("socket AF_INET datagram");
  } else {
    struct sockaddr_in away = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = inet_addr("192.0.2.1")};
    if (connect(udp, (struct sockaddr*)&away, sizeof(away)) == 0) {
      Escaped("has a route to 192.0.2.1");
    }
    Refused("connect 192.0.2.1:53/udp");
  }
  int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (six < 0) {
    Refused("socket AF_INET6");
  } else {
    struct sockaddr_in6 away = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    inet_pton(AF_INET6, "2001:db8::1", &away.sin6_addr);
    if (connect(six, (struct sockaddr*)&away, sizeof(away)) == 0) Escaped("connected by IPv6");
    Refused("connect [2001:db8::1]:443");
  }
  AllRefused();
}
