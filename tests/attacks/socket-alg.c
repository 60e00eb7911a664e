// Opens the kernel's cryptography sockets (AF_ALG).
#include <sys/socket.h>

#include "attack.h"

void Attack(void) {
  if (socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0) >= 0) Escaped("opened an AF_ALG socket");
  if (IsControl() && errno == EAFNOSUPPORT) CannotBeTried("this kernel has no AF_ALG");
  Refused("socket AF_ALG");
  AllRefused();
}
