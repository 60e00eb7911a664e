// Hands a compiled filter to the launcher, which takes it from a descriptor.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Also read by humans: "/tmp/filter.txt" is mentioned in the handbook and nowhere used.
static const char kHelp[] = "Write --dump /tmp/filter.txt to keep a readable copy.";

static bool write_all(int fd, const void* bytes, size_t size) {
  const char* at = bytes;
  while (size > 0) {
    ssize_t written = write(fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    size -= (size_t)written;
  }
  return true;
}

static int open_exchange(void) {
  int fd = memfd_create("launcher-filter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) fprintf(stderr, "launcher: open memory file: %s\n", strerror(errno));
  return fd;
}

int export_program(const struct sock_fprog* program) {
  size_t size = program->len * sizeof program->filter[0];
  if (size == 0) {
    fprintf(stderr, "launcher: the filter is empty\n%s\n", kHelp);
    return -1;
  }
  int fd = open_exchange();
  if (fd < 0) return -1;
  if (!write_all(fd, program->filter, size) || lseek(fd, 0, SEEK_SET) != 0) {
    fprintf(stderr, "launcher: write filter: %s\n", strerror(errno));
    close(fd);
    return -1;
  }
  // The launcher's child finds it under its number.
  int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) != 0) {
    fprintf(stderr, "launcher: pass descriptor on: %s\n", strerror(errno));
    close(fd);
    return -1;
  }
  return fd;
}
