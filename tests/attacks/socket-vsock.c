// Opens a vsock, which no network namespace holds: it leads out of a virtual machine.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  if (socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0) Escaped("opened a vsock");
  if (IsControl() && errno == EAFNOSUPPORT) CannotBeTried("this kernel has no vsock");
  Refused("socket AF_VSOCK");
  // The kernel reads 32 bits of the family; a filter that compares 64 lets this through.
  if (syscall(SYS_socket, (1L << 32) | AF_VSOCK, SOCK_STREAM, 0) >= 0) {
    Escaped("opened a vsock with a high bit in the family");
  }
  Refused("socket AF_VSOCK with a high bit");
  AllRefused();
}
