// One stream, many connections, or the time to a first byte; client and server of
// bench/network/run.
//
//   stream serve PORT
//   stream take ADDRESS PORT BYTES      prints bytes a second
//   stream connect ADDRESS PORT COUNT [AT-ONCE]
//                                       one byte each way on each; prints connections a second
//   stream first ADDRESS PORT COUNT     prints the median time from connect to a byte back, in µs
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kServers = 8 };
static char buffer[1 << 20];

static void Fail(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static double Now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sockaddr_in Address(const char* host, const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) Fail(host);
  return address;
}

// Of the part of a URL before its @, with %xx for bytes, the header that a proxy wants.
static void Authorization(const char* user, const char* end, char* out, size_t size) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned char plain[1024];
  size_t length = 0, at = 0;
  for (; user < end && length < sizeof(plain); ++user, ++length) {
    unsigned byte = (unsigned char)*user;
    if (*user == '%' && sscanf(user + 1, "%2x", &byte) == 1) user += 2;
    plain[length] = (unsigned char)byte;
  }
  at = (size_t)snprintf(out, size, "Proxy-Authorization: Basic ");
  for (size_t i = 0; i < length && at + 8 < size; i += 3) {
    const unsigned long three = (unsigned long)plain[i] << 16 |
                                (i + 1 < length ? (unsigned long)plain[i + 1] << 8 : 0) |
                                (i + 2 < length ? plain[i + 2] : 0);
    for (size_t k = 0; k < 4; ++k)
      out[at++] = i + k > length ? '=' : kDigits[three >> (18 - 6 * k) & 63];
  }
  snprintf(out + at, size - at, "\r\n");
}

// Where the environment names a proxy (http_proxy=http://USER:WORD@HOST:PORT), through a tunnel of
// it.
static int Connect(const struct sockaddr_in* address) {
  const char* const proxy = getenv("http_proxy");
  struct sockaddr_in first = *address;
  if (proxy && *proxy) {
    const char* const colon = strrchr(proxy, ':');
    first = Address("127.0.0.1", colon ? colon + 1 : "0");
  }
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr*)&first, sizeof(first)) != 0) Fail("connect");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (!proxy || !*proxy) return fd;
  char host[INET_ADDRSTRLEN], user[2048] = "", head[4096];
  inet_ntop(AF_INET, &address->sin_addr, host, sizeof(host));
  const char* const at = strchr(proxy, '@');
  const char* const scheme = strstr(proxy, "://");
  if (at && scheme) Authorization(scheme + 3, at, user, sizeof(user));
  int size = snprintf(head, sizeof(head), "CONNECT %s:%d HTTP/1.1\r\nHost: %s\r\n%s\r\n", host,
                      ntohs(address->sin_port), host, user);
  if (write(fd, head, (size_t)size) != size) Fail("ask the proxy");
  // A byte at a time: what follows the head belongs to the stream.
  for (size = 0; size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0; ++size)
    if (size == (int)sizeof(head) || read(fd, head + size, 1) != 1) Fail("hear the proxy");
  if (memcmp(head + 9, "200", 3) != 0) Fail("pass the proxy");
  return fd;
}

// 'b': a byte back. Else a number of bytes, in text, to send.
static void ServeOne(int fd) {
  char word[32] = {0};
  const ssize_t size = read(fd, word, sizeof(word) - 1);
  if (size <= 0) return;
  if (word[0] == 'b') {
    if (write(fd, "b", 1) != 1) return;
    return;
  }
  for (long long left = atoll(word); left > 0;) {
    const size_t part = left < (long long)sizeof(buffer) ? (size_t)left : sizeof(buffer);
    const ssize_t sent = write(fd, buffer, part);
    if (sent <= 0) return;
    left -= sent;
  }
}

static void Serve(const char* port) {
  signal(SIGPIPE, SIG_IGN);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = Address("0.0.0.0", port);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener, (struct sockaddr*)&address, sizeof(address)) != 0) Fail("bind");
  if (listen(listener, 4096) != 0) Fail("listen");
  // One that waits for the first byte of a connection keeps no other waiting. All end with the
  // first.
  const pid_t first = getpid();
  for (int i = 1; i < kServers && getpid() == first; ++i)
    if (fork() == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    const int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ServeOne(fd);
    close(fd);
  }
}

static int Compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "serve") == 0) Serve(argv[2]);
  if (argc < 5) return 2;
  const struct sockaddr_in address = Address(argv[2], argv[3]);
  const long long count = atoll(argv[4]);
  const double begin = Now();
  if (strcmp(argv[1], "take") == 0) {
    const int fd = Connect(&address);
    if (write(fd, argv[4], strlen(argv[4])) < 0) Fail("write");
    long long taken = 0;
    for (ssize_t size; (size = read(fd, buffer, sizeof(buffer))) > 0;) taken += size;
    if (taken != count) Fail("the stream is short");
    printf("%.0f\n", (double)count / (Now() - begin));
    return 0;
  }
  const long long at_once = argc > 5 ? atoll(argv[5]) : 1;
  const pid_t first = getpid();
  for (long long i = 1; i < at_once && getpid() == first; ++i)
    if (fork() < 0) Fail("fork");
  double* const times = calloc((size_t)count, sizeof(double));
  for (long long i = 0; i < count / at_once; ++i) {
    const double start = Now();
    const int fd = Connect(&address);
    char byte = 'b';
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) Fail("a byte");
    times[i] = Now() - start;
    close(fd);
  }
  if (getpid() != first) return 0;
  for (int status = 0; wait(&status) > 0;)
    if (status != 0) return 1;
  if (strcmp(argv[1], "connect") == 0) {
    printf("%.0f\n", (double)count / (Now() - begin));
  } else {
    qsort(times, (size_t)count, sizeof(double), Compare);
    printf("%.1f\n", times[count / 2] * 1e6);
  }
  return 0;
}
