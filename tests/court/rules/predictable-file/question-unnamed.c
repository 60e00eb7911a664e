#include <fcntl.h>
#include <seccomp.h>

int Export(scmp_filter_ctx filter) {
  int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (seccomp_export_bpf(filter, fd) != 0) return -1; /* found */
  return fd;
}
