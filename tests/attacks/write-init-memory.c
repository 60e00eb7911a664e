// Writes into the memory of PID 1, by system call and by /proc.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  char bytes[8] = "written";
  struct iovec here = {bytes, sizeof(bytes)};
  // No address of ours is likely to be one of PID 1; EFAULT then says that only the address was
  // wrong, and the memory was within reach.
  struct iovec there = {(void*)0x1000, sizeof(bytes)};
  if (process_vm_writev(1, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT) {
    Escaped("process_vm_writev reaches PID 1");
  }
  Refused("process_vm_writev 1");
  if (process_vm_readv(1, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT) {
    Escaped("process_vm_readv reaches PID 1");
  }
  Refused("process_vm_readv 1");
  int fd = open("/proc/1/mem", O_RDWR | O_CLOEXEC);
  if (fd >= 0) Escaped("opened /proc/1/mem for writing");
  Refused("open /proc/1/mem");
  AllRefused();
}
