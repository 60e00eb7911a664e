// Calls through i386's gate from a 64-bit program: socketcall and direct calls have other numbers
// there, and a filter for x86_64 alone never looks at them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

static int Int80(int number, int first, int second, int third) {
  int result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(first), "c"(second), "d"(third)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result < 0 && result > -4096) {
    errno = -result;
    return -1;
  }
  return result;
}

static void NoGate(int signal) {
  (void)signal;
  CannotBeTried("this kernel runs no i386 programs");
}

void Attack(void) {
  if (IsControl()) signal(SIGSEGV, NoGate);
  // Pointers must fit in 32 bits.
  char* low =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) CannotBeTried("no memory below 4 GiB");
  uint32_t* words = (uint32_t*)low;
  words[0] = AF_INET;
  words[1] = SOCK_STREAM;
  words[2] = 0;
  int fd = Int80(102 /* socketcall */, 1 /* SYS_SOCKET */, (int)(intptr_t)words, 0);
  if (fd < 0) {
    Refused("int 0x80 socketcall(socket)");
  } else {
    struct sockaddr_in* host = (struct sockaddr_in*)(low + 64);
    *host = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((in_port_t)atoi(Given("port"))),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    words[0] = (uint32_t)fd;
    words[1] = (uint32_t)(intptr_t)host;
    words[2] = sizeof(*host);
    if (Int80(102, 3 /* SYS_CONNECT */, (int)(intptr_t)words, 0) == 0) {
      Escaped("connected to 127.0.0.1:%s through int 0x80", Given("port"));
    }
    Refused("int 0x80 socketcall(connect)");
  }
  if (Int80(310 /* unshare */, 0x10000000 /* CLONE_NEWUSER */, 0, 0) == 0) {
    Escaped("made a user namespace through int 0x80");
  }
  Refused("int 0x80 unshare");
  if (Int80(288 /* keyctl */, 0 /* GET_KEYRING_ID */, -4, 0) >= 0) {
    Escaped("reached the keyring through int 0x80");
  }
  Refused("int 0x80 keyctl");
  if (Int80(26 /* ptrace */, 0x4206 /* PTRACE_SEIZE */, 1, 0) == 0) {
    Escaped("traces PID 1 through int 0x80");
  }
  Refused("int 0x80 ptrace 1");
  AllRefused();
}
