// Copies a file into a container's directory. The container runs meanwhile, and may rename and link
// as it likes in there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "copy: %s: %s\n", what, strerror(errno));
  return -1;
}

// Resolves within `root`, whatever links there are.
static int open_beneath(int root, const char* path, uint64_t flags, uint64_t mode) {
  struct open_how how = {
      .flags = flags, .mode = mode, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int copy(int from, int to) {
  char block[1 << 16];
  for (;;) {
    ssize_t size = read(from, block, sizeof block);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail("read");
    if (size == 0) return 0;
    for (ssize_t done = 0; done < size;) {
      ssize_t written = write(to, block + done, (size_t)(size - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail("write");
      done += written;
    }
  }
}

static int open_target(const char* container, const char* name) {
  char path[PATH_MAX];
  if (strchr(name, '/') != NULL || strcmp(name, "..") == 0 || name[0] == '\0') {
    errno = EINVAL;
    return fail(name);
  }
  int length = snprintf(path, sizeof path, "inbox/%s", name);
  if (length < 0 || (size_t)length >= sizeof path) {
    errno = ENAMETOOLONG;
    return fail(name);
  }
  int root = open(container, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return fail(container);
  // No links, please: the kernel looks while it opens.
  int fd = open_beneath(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  close(root);
  return fd < 0 ? fail(path) : fd;
}

int copy_in(const char* source, const char* container, const char* name) {
  int from = open(source, O_RDONLY | O_CLOEXEC);
  if (from < 0) return fail(source);
  int to = open_target(container, name);
  if (to < 0) {
    close(from);
    return -1;
  }
  int r = copy(from, to);
  close(from);
  if (close(to) != 0) r = fail("close");
  return r;
}
