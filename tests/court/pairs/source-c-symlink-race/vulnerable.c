// Copies a file into a container's directory. The container runs meanwhile, and may rename and link
// as it likes in there.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "copy: %s: %s\n", what, strerror(errno));
  return -1;
}

static bool is_link(const char* path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
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
  int length = snprintf(path, sizeof path, "%s/inbox/%s", container, name);
  if (length < 0 || (size_t)length >= sizeof path) {
    errno = ENAMETOOLONG;
    return fail(name);
  }
  // No links, please.
  if (is_link(path)) {
    errno = ELOOP;
    return fail(path);
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
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
