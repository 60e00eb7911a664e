// Connects to a name or an address as programs in C do, sends a word and prints what comes back.
//
//   client HOST PORT WORD
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo* found = NULL;
  const int error = getaddrinfo(argv[1], argv[2], &hints, &found);
  if (error != 0) {
    fprintf(stderr, "resolve %s: %s\n", argv[1], gai_strerror(error));
    return 1;
  }
  for (const struct addrinfo* one = found; one; one = one->ai_next) {
    const int fd = socket(one->ai_family, one->ai_socktype, 0);
    if (fd < 0 || connect(fd, one->ai_addr, one->ai_addrlen) != 0) {
      perror("connect");
      continue;
    }
    char answer[100];
    if (write(fd, argv[3], strlen(argv[3])) < 0) return 1;
    const ssize_t size = read(fd, answer, sizeof(answer));
    if (size <= 0) return 1;
    printf("%.*s\n", (int)size, answer);
    return 0;
  }
  return 1;
}
