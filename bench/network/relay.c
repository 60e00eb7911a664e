// A relay that only relays: what passing bytes through any process costs, for bench/network/run.
//
//   relay ADDRESS PORT TO-ADDRESS TO-PORT
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMost = 65536, kRead = 256 << 10 };
static char buffer[kRead];
static int other[kMost];  // of a pair; -1 where there is none
static int poller;

static struct sockaddr_in Address(const char* host, const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) exit(2);
  return address;
}

static void Watch(int fd, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

// 1 at the end of what one side says. Writing waits: nobody reads slowly here.
static int Pass(int from, int to) {
  for (;;) {
    const ssize_t size = recv(from, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (size < 0) return 0;
    if (size == 0 || send(to, buffer, (size_t)size, MSG_NOSIGNAL) != size) return 1;
  }
}

static void Accept(int listener, const struct sockaddr_in* to) {
  const int on = 1;
  const int client = accept(listener, NULL, NULL);
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  if (client < 0 || server < 0 || client >= kMost || server >= kMost) exit(1);
  if (connect(server, (const struct sockaddr*)to, sizeof(*to)) != 0) exit(1);
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  other[client] = server;
  other[server] = client;
  Pass(client, server);
  Watch(client, EPOLLIN | EPOLLRDHUP | EPOLLET);
  Watch(server, EPOLLIN | EPOLLRDHUP | EPOLLET);
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const struct sockaddr_in own = Address(argv[1], argv[2]), to = Address(argv[3], argv[4]);
  const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (bind(listener, (const struct sockaddr*)&own, sizeof(own)) != 0) return 1;
  if (listen(listener, 4096) != 0) return 1;
  poller = epoll_create1(0);
  Watch(listener, EPOLLIN);
  for (int fd = 0; fd < kMost; ++fd) other[fd] = -1;
  puts("listens");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[64];
    const int count = epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        Accept(listener, &to);
      } else if (other[fd] >= 0 && Pass(fd, other[fd])) {
        const int peer = other[fd];
        Pass(peer, fd);
        other[fd] = other[peer] = -1;
        close(fd);
        close(peer);
      }
    }
  }
}
